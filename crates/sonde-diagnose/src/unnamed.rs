//! Objects whose name the text does not tell, in words that a person can use.

use sonde_model::{Finding, ObjectRef};

/// The name that the paste reader gives to an object whose text does not tell it.
const UNNAMED: &str = "unnamed";

/// Says of an unnamed subject that its name is not known, and leaves a place for it in the commands.
pub(crate) fn tell(finding: &mut Finding) {
    let subjects = std::iter::once(&finding.subject).chain(&finding.explains);
    let unnamed: Vec<ObjectRef> = subjects.filter(|it| &*it.name == UNNAMED).cloned().collect();
    for object in unnamed {
        let (word, place) = (object.to_string(), format!("{}/NAME", object.kind.word()));
        let says = format!("a {} whose name is not in the text", object.kind.word());
        let namespaced = object.kind.is_namespaced() && object.namespace.is_empty();
        let command = |command: &mut Option<String>| {
            if let Some(text) = command.as_mut().filter(|text| text.contains(&word)) {
                let namespace = if namespaced { " -n NAMESPACE" } else { "" };
                *text = text.replace(&word, &format!("{place}{namespace}"));
            }
        };
        let text = |text: &mut String| *text = text.replace(&word, &says);
        text(&mut finding.headline);
        finding.chain.iter_mut().for_each(|it| text(&mut it.text));
        finding.ruled_out.iter_mut().for_each(|it| text(&mut it.reason));
        for fix in &mut finding.fixes {
            text(&mut fix.text);
            command(&mut fix.command);
        }
        for look in &mut finding.next {
            text(&mut look.text);
            command(&mut look.command);
        }
    }
}
