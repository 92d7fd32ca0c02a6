//! `sonde net --names`: names that were asked for in vain, or whose answer took long.

use std::collections::BTreeMap;
use std::time::Duration;

use sonde_model::LookupsSeen;
use sonde_topology::{Level, Names};

use super::{Filter, time};
use crate::render::{Page, Paint, Span, View, words};

/// The table, by who asked, the name, and the answer; most first. What went well and was only picked counts for nothing.
pub(crate) fn lookups(
    answer: &LookupsSeen,
    names: &Names,
    level: Level,
    filter: &Filter,
    view: &View,
) -> String {
    let mut rows: BTreeMap<(String, &str, &str, &str), Vec<u64>> = BTreeMap::new();
    let mut picked = 0_usize;
    for it in answer
        .lookups
        .iter()
        .filter(|it| filter.takes(&it.owner.namespace))
    {
        if it.answer == "NOERROR" && it.took_ns < SLOW_NS {
            picked += 1;
            continue;
        }
        let owner = names.of_owner(&it.owner, &answer.node, level).to_string();
        let said = match &*it.answer {
            "" => "no answer",
            "NOERROR" => "slow",
            said => said,
        };
        rows.entry((owner, &it.name, &it.kind, said))
            .or_default()
            .push(it.took_ns);
    }
    let mut page = Page::new(view);
    let lead = format!(
        "node {}: {} that failed, or took long",
        answer.node,
        words::count(rows.values().map(Vec::len).sum(), "question")
    );
    page.verbatim(0, Paint::Plain, &lead);
    if rows.is_empty() {
        if picked > 0 {
            page.verbatim(
                0,
                Paint::Plain,
                &format!("{picked} that went well were picked at random."),
            );
        }
        return page.finish();
    }
    page.gap();
    let mut cells = vec![
        ["OWNER", "NAME", "KIND", "ANSWER", "COUNT", "P50", "MAX"]
            .map(Span::plain)
            .to_vec(),
    ];
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|(_, took)| std::cmp::Reverse(took.len()));
    for ((owner, name, kind, said), mut took) in rows {
        took.sort_unstable();
        let at = |index: usize| time(took.get(index).map(|ns| Duration::from_nanos(*ns)));
        cells.push(vec![
            Span::plain(owner),
            Span::plain(if name.is_empty() {
                "-".to_owned()
            } else {
                name.to_owned()
            }),
            Span::plain(kind.to_owned()),
            Span::new(Paint::Bad, said.to_owned()),
            Span::plain(took.len().to_string()),
            Span::plain(at(took.len() / 2)),
            Span::plain(at(took.len().saturating_sub(1))),
        ]);
    }
    page.table(&cells);
    page.finish()
}

/// Good answers are kept where they are slow by the agent's own threshold, or picked at random; what took less than this
/// was picked.
const SLOW_NS: u64 = 100_000_000;
