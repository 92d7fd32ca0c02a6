//! Names from the live cluster, for completion: quickly or not at all.

use std::time::Duration;

use clap::{CommandFactory as _, FromArgMatches as _};
use sonde_collect::live::{self, Cluster};
use sonde_model::Kind;

use crate::args::{Cli, Command, ConnectionArgs};
use crate::request;

/// Nobody waits longer for a completion.
const LIMIT: Duration = Duration::from_millis(900);

/// The contexts of the kubeconfig.
pub(crate) fn context_names(words: &[String]) -> Vec<String> {
    live::contexts(connection(words).kubeconfig.as_deref())
}

/// The names of a kind's objects, by the connection that the words so far name.
pub(crate) fn object_names(kind: &Kind, words: &[String]) -> Vec<String> {
    let args = connection(words);
    let Ok(mut connection) = request::connection(&args) else {
        return Vec::new();
    };
    connection.request_timeout = Some(LIMIT);
    let Ok(cluster) = Cluster::connect(&connection.options()) else {
        return Vec::new();
    };
    let namespace = match (&args.namespace, kind.is_namespaced() && !args.all_namespaces) {
        (_, false) => None,
        (Some(name), true) => Some(name.clone()),
        (None, true) => Some(cluster.namespace().to_owned()),
    };
    cluster.names(kind, namespace.as_deref(), LIMIT)
}

/// The flags of the connection among words that need not be a whole command yet.
fn connection(words: &[String]) -> ConnectionArgs {
    let parsed = Cli::command()
        .ignore_errors(true)
        .try_get_matches_from(words)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed.map(|cli| cli.command) {
        Ok(Command::Diagnose(args)) => args.connection,
        Ok(Command::Collect(args)) => args.connection,
        _ => ConnectionArgs::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_found_in_half_a_command() {
        let words = ["sonde", "diagnose", "-n", "shop", "--context", "dev", "pod/"].map(str::to_owned);
        let args = connection(&words);
        assert_eq!(args.namespace.as_deref(), Some("shop"));
        assert_eq!(args.context.as_deref(), Some("dev"));
        assert_eq!(
            connection(&["sonde".to_owned(), "explain".to_owned()]).namespace,
            None
        );
    }
}
