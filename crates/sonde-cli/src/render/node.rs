//! How a node stands, as tables.

use sonde_model::{Check, CheckVerdict, ContainerUse, NodeReport, Owner, Unit, bytes_text};

use super::{Indent, Page, Paint, Span, View, words};

/// The report without its findings.
pub(crate) fn tables(report: &NodeReport, view: &View) -> String {
    let mut page = Page::new(view);
    head(&mut page, report);
    page.gap();
    checks(&mut page, report, view);
    cores(&mut page, report);
    containers(&mut page, report);
    processes(&mut page, report);
    gaps(&mut page, report);
    page.finish()
}

fn head(page: &mut Page<'_>, report: &NodeReport) {
    let count = |verdict| {
        report
            .checks
            .iter()
            .filter(|check| check.verdict == verdict)
            .count()
    };
    let mut text = format!(
        ": {} over {:.1} s",
        words::count(report.checks.len(), "check"),
        report.interval_ms as f64 / 1e3
    );
    for (verdict, one) in [
        (CheckVerdict::Critical, "critical"),
        (CheckVerdict::Warning, "warning"),
        (CheckVerdict::Note, "note"),
    ] {
        match (count(verdict), verdict) {
            (0, _) => {}
            (number, CheckVerdict::Critical) => text.push_str(&format!(", {number} critical")),
            (number, _) => text.push_str(&format!(", {}", words::count(number, one))),
        }
    }
    if report.worst() == CheckVerdict::Ok {
        text.push_str(", all well");
    }
    if !report.by_agent {
        text.push_str("; no agent was asked, this command read the node itself");
    }
    page.paragraph(
        Indent::default(),
        &[
            Span::plain("node "),
            Span::new(Paint::Strong, report.node.as_str()),
            Span::plain(text),
        ],
    );
}

fn checks(page: &mut Page<'_>, report: &NodeReport, view: &View) {
    let mut rows = vec![header(if view.wide {
        &[
            "CHECK",
            "OF",
            "VERDICT",
            "FOUND",
            "WARNS AT",
            "CRITICAL AT",
            "CAUSE",
            "READ",
        ]
    } else {
        &["CHECK", "OF", "VERDICT", "FOUND"]
    })];
    for check in &report.checks {
        let mut row = vec![
            Span::plain(check.kind.word()),
            Span::plain(or_dash(of(check))),
            Span::new(paint(check.verdict), check.verdict.word()),
            Span::plain(found(check)),
        ];
        if view.wide {
            row.extend([
                Span::plain(limit(check, check.warning)),
                Span::plain(limit(check, check.critical)),
                Span::plain(check.kind.code().unwrap_or("-")),
                Span::plain(check.source.as_str()),
            ]);
        }
        rows.push(row);
    }
    page.table(&rows);
}

fn of(check: &Check) -> String {
    check
        .owner
        .as_ref()
        .map_or_else(|| check.about.clone(), Owner::words)
}

fn found(check: &Check) -> String {
    if check.verdict >= CheckVerdict::Note && !check.who.is_empty() {
        format!("{}; most: {}", check.found, check.who)
    } else {
        check.found.clone()
    }
}

fn limit(check: &Check, limit: Option<f64>) -> String {
    let Some(limit) = limit else { return "-".to_owned() };
    match check.unit {
        Unit::Percent => format!("{limit}%"),
        Unit::Count => format!("{limit}"),
        Unit::PerSecond => format!("{limit}/s"),
        Unit::Seconds => format!("{limit} s"),
    }
}

fn paint(verdict: CheckVerdict) -> Paint {
    match verdict {
        CheckVerdict::Ok => Paint::Good,
        CheckVerdict::Note => Paint::Info,
        CheckVerdict::Warning => Paint::Warning,
        CheckVerdict::Critical => Paint::Bad,
    }
}

fn cores(page: &mut Page<'_>, report: &NodeReport) {
    if report.cores.is_empty() {
        return;
    }
    page.gap();
    let mut rows = vec![header(&["CORE", "BUSY", "WAITS FOR DISK", "STOLEN"])];
    rows.extend(report.cores.iter().map(|core| {
        vec![
            Span::plain(core.core.to_string()),
            Span::plain(share(Some(core.busy))),
            Span::plain(share(Some(core.waiting))),
            Span::plain(share(Some(core.stolen))),
        ]
    }));
    page.table(&rows);
}

fn containers(page: &mut Page<'_>, report: &NodeReport) {
    if report.containers.is_empty() {
        return;
    }
    page.gap();
    let mut rows = vec![header(&["CONTAINER", "CPU", "THROTTLED", "MEMORY", "TASKS"])];
    rows.extend(report.containers.iter().map(|it| {
        vec![
            Span::plain(it.owner.words()),
            Span::plain(share(it.cpu)),
            Span::plain(share(it.throttled)),
            Span::plain(memory(it)),
            Span::plain(of_limit(
                it.tasks.map(|it| it.to_string()),
                it.tasks_limit.map(|it| it.to_string()),
            )),
        ]
    }));
    page.table(&rows);
    let more = report
        .containers_seen
        .saturating_sub(report.containers.len() as u64);
    if more > 0 {
        page.words(Indent::default(), &format!("and {more} more that used less"));
    }
}

fn memory(container: &ContainerUse) -> String {
    of_limit(
        container.memory_bytes.map(bytes),
        container.memory_limit_bytes.map(bytes),
    )
}

fn of_limit(used: Option<String>, limit: Option<String>) -> String {
    match (used, limit) {
        (None, _) => "-".to_owned(),
        (Some(used), None) => used,
        (Some(used), Some(limit)) => format!("{used} of {limit}"),
    }
}

fn processes(page: &mut Page<'_>, report: &NodeReport) {
    if report.processes.is_empty() {
        return;
    }
    page.gap();
    let mut rows = vec![header(&["PROCESS", "PID", "CPU", "MEMORY", "THREADS", "OF"])];
    rows.extend(report.processes.iter().map(|it| {
        vec![
            Span::plain(it.command.as_str()),
            Span::plain(it.pid.to_string()),
            Span::plain(share(Some(it.cpu))),
            Span::plain(bytes(it.resident_bytes)),
            Span::plain(it.threads.to_string()),
            Span::plain(it.owner.words()),
        ]
    }));
    page.table(&rows);
}

fn gaps(page: &mut Page<'_>, report: &NodeReport) {
    if report.coverage.is_empty() {
        return;
    }
    page.gap();
    page.words(Indent::default(), "Not looked at:");
    for gap in &report.coverage {
        let remedy = match gap.remedy.as_str() {
            "" => String::new(),
            remedy => format!(" ({remedy})"),
        };
        let text = format!("{}: {}{remedy}", gap.signal, gap.why);
        page.words(Indent::with(2, "- "), &text);
    }
}

fn header<'a>(names: &[&'a str]) -> Vec<Span<'a>> {
    names.iter().map(|name| Span::new(Paint::Strong, *name)).collect()
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.0}%"))
}

fn bytes(bytes: u64) -> String {
    bytes_text(i64::try_from(bytes).unwrap_or(i64::MAX))
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}
