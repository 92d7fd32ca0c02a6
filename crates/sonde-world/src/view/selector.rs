//! Label and node selectors, and what they match.

use super::Labels;

view! {
    LabelSelector { match_labels: Labels, match_expressions: Vec<Requirement> }
    Requirement { key: String, operator: String, values: Vec<String> }
    NodeSelector { node_selector_terms: Vec<NodeSelectorTerm> }
    NodeSelectorTerm { match_expressions: Vec<Requirement>, match_fields: Vec<Requirement> }
}

impl LabelSelector {
    /// Whether it selects nothing in particular, that is: everything.
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Whether the labels satisfy every part (`apimachinery/pkg/labels/selector.go`).
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.match_labels
            .iter()
            .all(|(key, value)| label(key) == Some(value))
            && self
                .match_expressions
                .iter()
                .all(|requirement| requirement.matches(&label))
    }
}

impl Requirement {
    /// Whether the labels satisfy it. `NotIn` and `DoesNotExist` hold where the key is absent;
    /// `Gt` and `Lt` compare integers; an unknown operator matches nothing.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        let value = label(&self.key);
        let number = |text: &str| text.parse::<i64>().ok();
        match self.operator.as_str() {
            "In" => value.is_some_and(|value| self.values.iter().any(|want| want == value)),
            "NotIn" => value.is_none_or(|value| self.values.iter().all(|want| want != value)),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            "Gt" | "Lt" => {
                let have = value.and_then(number);
                let want = self.values.first().and_then(|text| number(text));
                have.zip(want).is_some_and(|(have, want)| {
                    if self.operator == "Gt" {
                        have > want
                    } else {
                        have < want
                    }
                })
            }
            _ => false,
        }
    }

    /// As a person writes it: `zone in (a,b)`.
    pub fn text(&self) -> String {
        let values = self.values.join(",");
        match self.operator.as_str() {
            "In" if self.values.len() == 1 => format!("{}={values}", self.key),
            "In" => format!("{} in ({values})", self.key),
            "NotIn" => format!("{} not in ({values})", self.key),
            "Exists" => self.key.clone(),
            "DoesNotExist" => format!("!{}", self.key),
            "Gt" => format!("{} > {values}", self.key),
            "Lt" => format!("{} < {values}", self.key),
            other => format!("{} {other} ({values})", self.key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_hold_as_in_kubernetes() {
        let labels = [("zone", "a"), ("cores", "8")];
        let label = |key: &str| {
            labels
                .iter()
                .find(|(have, _)| *have == key)
                .map(|(_, value)| *value)
        };
        for (key, operator, values, expected) in [
            ("zone", "In", vec!["a", "b"], true),
            ("zone", "In", vec!["b"], false),
            ("zone", "NotIn", vec!["b"], true),
            ("rack", "NotIn", vec!["b"], true),
            ("zone", "Exists", vec![], true),
            ("rack", "DoesNotExist", vec![], true),
            ("cores", "Gt", vec!["4"], true),
            ("cores", "Lt", vec!["4"], false),
            ("zone", "Gt", vec!["4"], false),
            ("zone", "Nonsense", vec![], false),
        ] {
            let requirement = Requirement {
                key: key.into(),
                operator: operator.into(),
                values: values.into_iter().map(Into::into).collect(),
            };
            assert_eq!(requirement.matches(label), expected, "{}", requirement.text());
        }
    }
}
