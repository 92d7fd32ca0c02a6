//! `sonde agent`: the node's agent, where this build has it.

use crate::args::AgentArgs;
use crate::failure::Outcome;

#[cfg(not(feature = "agent"))]
pub(super) fn run(_: AgentArgs) -> Outcome<u8> {
    Err(
        crate::failure::Failure::new(anyhow::anyhow!("this build of sonde has no agent in it"))
            .hint(
                "install one that has: cargo install --path crates/sonde-cli --features agent (it takes clang, libelf and zlib \
                 to build; on Debian: apt-get install clang libelf-dev zlib1g-dev)",
            )
            .hint("or build the release binary with cargo xtask dist, which installs what it takes"),
    )
}

#[cfg(feature = "agent")]
pub(super) fn run(args: AgentArgs) -> Outcome<u8> {
    with_agent::run(args)
}

#[cfg(feature = "agent")]
mod with_agent {
    use std::rc::Rc;
    use std::time::Duration;

    use anyhow::anyhow;
    use sonde_agent::check::ItemState;
    use sonde_agent::tls::MutualTls;
    use sonde_agent::{Absent, AgentError, Collector, Options, Tier};

    use crate::args::AgentArgs;
    use crate::failure::{Failure, Outcome};
    use crate::render::{self, View};
    use crate::run::{NOT_DONE, NOTHING_FOUND, PARTLY_DONE, print};
    use crate::terminal;

    pub(super) fn run(args: AgentArgs) -> Outcome<u8> {
        let view = View {
            width: terminal::width(),
            color: terminal::color_on(args.color),
            charset: terminal::charset(),
            ..View::plain()
        };
        let check = args.check;
        let options = options(args)?;
        if check {
            return tell_check(&options, &view);
        }
        let ended = sonde_agent::run(&options, |status| {
            let text = render::agent::started(status, &options.socket, &view);
            // Whoever started the agent may have closed its output; it goes on.
            let _ = print(&text);
        })
        .map_err(failed)?;
        eprintln!("detached after {} ms", ended.took.as_millis());
        Ok(NOTHING_FOUND)
    }

    fn tell_check(options: &Options, view: &View) -> Outcome<u8> {
        let items = sonde_agent::check::check(options);
        print(&render::agent::check(&items, view))?;
        let any = |state| items.iter().any(|item| item.state == state);
        Ok(match (any(ItemState::Missing), any(ItemState::Partly)) {
            (true, _) => NOT_DONE,
            (false, true) => PARTLY_DONE,
            (false, false) => NOTHING_FOUND,
        })
    }

    fn options(args: AgentArgs) -> Outcome<Options> {
        let absent = args
            .without
            .iter()
            .map(|word| {
                Absent::from_word(word).ok_or_else(|| {
                    let words: Vec<_> = Absent::ALL.iter().map(|(_, word)| *word).collect();
                    Failure::new(anyhow!("nothing here is called {word}"))
                        .hint(format!("choose from {}", words.join(", ")))
                })
            })
            .collect::<Outcome<_>>()?;
        let collector = match &args.otlp {
            Some(url) => {
                let every = crate::request::duration("--otlp-every", &args.otlp_every)?
                    .filter(|every| *every >= Duration::from_secs(1))
                    .ok_or_else(|| Failure::new(anyhow!("--otlp-every is a second at the least")))?;
                let collector =
                    Collector::new(url, &args.otlp_header).map_err(|error| Failure::new(error.into()))?;
                Some((Rc::new(collector), every))
            }
            None => None,
        };
        let listen_tls = match (args.listen, args.tls_cert, args.tls_key, args.client_ca) {
            (Some(address), Some(certificate), Some(key), Some(client_authorities)) => {
                let files = MutualTls {
                    certificate,
                    key,
                    client_authorities,
                };
                Some((address, files))
            }
            _ => None,
        };
        Ok(Options {
            collector,
            listen_tls,
            lookups: !args.no_lookups,
            cpu_share: args.cpu_budget.clamp(0.0, 100.0) / 100.0,
            socket: args.socket,
            socket_group: args.socket_group,
            runtime_sockets: args.runtime_socket,
            node: args.node_name.filter(|name| !name.is_empty()),
            listen: args.listen_insecure,
            // 0 is "no limit" elsewhere; here every call is slow then.
            slow: crate::request::duration("--slow", &args.slow)?.unwrap_or_default(),
            payload: !args.no_payload,
            sample_each: args.one_of,
            tier: Tier::ALL
                .into_iter()
                .find(|tier| tier.letter().eq_ignore_ascii_case(&args.tier)),
            absent,
        })
    }

    fn failed(error: AgentError) -> Failure {
        let hints = error.hints();
        hints.into_iter().fold(Failure::new(error.into()), Failure::hint)
    }
}
