//! The screens in the README are what the program prints.

use std::path::Path;

use crate::run::sonde;

#[test]
fn the_screens_are_real() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let screens: Vec<(&str, &str)> = readme
        .split("```")
        .filter_map(|block| block.strip_prefix("\n$ sonde ")?.split_once('\n'))
        .collect();
    assert_eq!(screens.len(), 2, "a screen begins with `$ sonde `");
    for (command, screen) in screens {
        let arguments: Vec<&str> = command.split_whitespace().collect();
        // A terminal folds lines, a pipe does not: the words must be the same.
        let words = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
        let (shown, said) = (words(screen), words(&sonde(&arguments).out));
        // A screen may end early.
        assert_eq!(shown, said[..shown.len().min(said.len())], "sonde {command}");
    }
}
