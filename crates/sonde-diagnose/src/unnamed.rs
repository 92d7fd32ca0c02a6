//! Objects whose name the text does not tell, in words that a person can use.

use sonde_model::{Finding, ObjectRef};

/// The name that the paste reader gives to an object whose text does not tell it.
const UNNAMED: &str = "unnamed";

/// Says of an unnamed subject that its name is not known, and leaves a place for it in the commands.
pub(crate) fn tell(finding: &mut Finding) {
    let subjects = std::iter::once(&finding.subject).chain(&finding.explains);
    let unnamed: Vec<ObjectRef> = subjects.filter(|it| &*it.name == UNNAMED).cloned().collect();
    for object in unnamed {
        let (word, kind) = (object.to_string(), object.kind.word());
        let says = format!("a {kind} whose name is not in the text");
        let bare = format!("{kind} {UNNAMED}");
        let namespaced = object.kind.is_namespaced() && object.namespace.is_empty();
        let command = |command: &mut Option<String>| {
            if let Some(text) = command.as_mut().filter(|text| text.contains(UNNAMED)) {
                let place = if namespaced { "NAME -n NAMESPACE" } else { "NAME" };
                // Within a path or a selector the name alone has its place.
                *text = text
                    .replace(&word, &format!("{kind}/{place}"))
                    .replace(UNNAMED, "NAME");
            }
        };
        let text = |text: &mut String| {
            *text = text
                .replace(&word, &says)
                .replace(&bare, &says)
                .replace(UNNAMED, &format!("the {kind}"));
        };
        text(&mut finding.headline);
        finding.chain.iter_mut().for_each(|it| text(&mut it.text));
        finding.ruled_out.iter_mut().for_each(|it| text(&mut it.reason));
        for evidence in &mut finding.evidence {
            evidence.source = evidence.source.replace(&word, &kind).replace(UNNAMED, &kind);
            // Its place is said with the object, where there is one.
            evidence.object = evidence.object.take().filter(|it| *it != object);
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Scene;

    /// A name that was made up here is in no sentence and in no command.
    #[test]
    fn what_has_no_name_gets_none() {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "unnamed"}, "status": {"conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "DiskPressure", "status": "True", "reason": "r", "message": "m", "lastTransitionTime": "2026-03-01T11:00:00Z"}]}});
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "unnamed"}, "spec": {},
            "status": {"containerStatuses": [{"name": "", "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 143, "reason": "Error", "finishedAt": "2026-03-01T11:59:00Z"}}}]}});
        for object in [node, pod] {
            let outcome = Scene::new().object(object).diagnose();
            assert!(outcome.alarms() > 0);
            for finding in &outcome.report.findings {
                let steps = finding.chain.iter().map(|it| it.text.as_str());
                let looks = finding
                    .next
                    .iter()
                    .flat_map(|it| [Some(it.text.as_str()), it.command.as_deref()]);
                let fixes = finding
                    .fixes
                    .iter()
                    .flat_map(|it| [Some(it.text.as_str()), it.command.as_deref()]);
                let sources = finding.evidence.iter().map(|it| it.source.as_str());
                let mut all = steps
                    .chain(looks.flatten())
                    .chain(fixes.flatten())
                    .chain(sources)
                    .chain([finding.headline.as_str()]);
                assert_eq!(
                    all.find(|text| text.contains("unnamed")),
                    None,
                    "{}",
                    finding.code
                );
                let pods = finding.chain.iter().any(|it| it.text.contains("0 so far"));
                assert!(!pods, "nobody counted them");
            }
        }
    }
}
