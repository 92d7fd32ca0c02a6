//! IMG-SLOW-PULL: the pull goes on for long, or was cut off because it took too long.

use crate::wording::count;
use jiff::SignedDuration;
use sonde_grammar::Fact;
use sonde_grammar::fact::{PullFact, PullFailure};
use sonde_model::{Code, Risk, Severity};

use super::pull::{Root, failed, wanted_image};
use super::serial_pull::first_in_line;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-SLOW-PULL"),
    title: "slow pull",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-SLOW-PULL"),
};

/// Most images come within a minute or two; a guess.
const LONG: SignedDuration = SignedDuration::from_mins(5);

fn state(facts: &Facts<'_>, case: &mut Case) {
    let pull = failed(facts);
    if let Some(pull) = &pull {
        if *pull.failure != PullFailure::Deadline {
            return;
        }
        // A pull is canceled too when the kubelet stops or the pod goes away.
        if pull.message.seen().text.contains("canceled") {
            case.supported_by(pull.seen());
        } else {
            case.proven_by(pull.seen());
        }
        pull.tell(
            facts,
            case,
            &Root::Image,
            "the pull took too long and was cut off",
        );
        advise(facts, case);
        return;
    }
    // A pull that began, did not end, and did not fail.
    let newest = facts.messages().find_map(|message| {
        message.facts.iter().find_map(|fact| match fact {
            Fact::Pull(PullFact::Started { image }) => Some((Some(image), message)),
            Fact::Pull(_) => Some((None, message)),
            _ => None,
        })
    });
    let Some((Some(image), message)) = newest else {
        return;
    };
    let ours = wanted_image(facts).is_none_or(|wanted| wanted == *image);
    let began = message.first.or(message.seen.time);
    let lasts = facts.now.zip(began).map(|(now, began)| now.duration_since(began));
    let Some(lasts) = lasts.filter(|lasts| ours && *lasts > LONG) else {
        return;
    };
    // With another pull ahead on the node, this one may only stand in line.
    if began.is_some_and(|began| first_in_line(facts, began).is_some()) {
        case.hinted_by(message.seen());
    } else {
        case.supported_by(message.seen());
    }
    let minutes = count(lasts.as_mins(), "minute");
    case.step(
        format!("{} needs the image {image}", facts.container_phrase()),
        [message.seen()],
    );
    case.step(
        format!("its pull began {minutes} ago and has neither ended nor failed"),
        [message.seen()],
    );
    case.headline(format!("image {image} is still being pulled after {minutes}"));
    case.severity(Severity::Warning);
    advise(facts, case);
}

fn advise(facts: &Facts<'_>, case: &mut Case) {
    if let Some(node) = facts.node_ref() {
        case.look(
            "whether bytes still come in, and what else the node pulls",
            format!(
                "ssh {} 'crictl images; journalctl -u containerd -u crio --since -15min | grep -i pull'",
                node.name
            ),
        );
    }
    case.advice(
        "make the image smaller, keep it near (a mirror), or load it onto the nodes before the rollout",
        Risk::None,
    );
}

#[cfg(test)]
mod tests {
    use sonde_model::Verdict;

    use super::super::testing::{Check, check, waiting};
    use crate::testing::Scene;

    #[test]
    fn a_pull_that_is_cut_off() {
        check(&Check {
            code: "IMG-SLOW-PULL",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to copy: httpReadSeeker: failed open: context deadline exceeded",
            ],
            says: &["too long"],
        });
    }

    fn pulling_since(time: &str) -> Scene {
        Scene::new()
            .object(waiting("ContainerCreating", ""))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Pulling",
                "Pulling image \"registry.example/app:1\"",
                time,
            )
    }

    #[test]
    fn a_pull_that_goes_on() {
        let outcome = pulling_since("2026-03-01T11:40:00Z").diagnose();
        let finding = outcome.finds_only("IMG-SLOW-PULL", Verdict::Likely);
        assert!(finding.headline.contains("20 minutes"), "{}", finding.headline);
    }

    #[test]
    fn a_pull_that_has_just_begun_is_fine() {
        pulling_since("2026-03-01T11:58:00Z")
            .diagnose()
            .lacks("IMG-SLOW-PULL");
    }

    #[test]
    fn over_when_the_image_came() {
        let outcome = pulling_since("2026-03-01T11:40:00Z")
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Pulled",
                "Successfully pulled image \"registry.example/app:1\" in 19m (19m including waiting)",
                "2026-03-01T11:59:00Z",
            )
            .diagnose();
        outcome.lacks("IMG-SLOW-PULL");
    }
}
