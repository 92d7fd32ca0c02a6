//! A profile as a table, as collapsed stacks, as a flame graph and for pprof.

mod pprof;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context as _, Result};
use inferno::flamegraph;
use sonde_model::{Frame, Owner, Profile, ProfiledStack};

use super::{Indent, Page, Paint, Span, View, words};

pub(crate) use pprof::pprof;

/// Functions that are told one by one.
const FUNCTIONS_MAX: usize = 25;
/// Processes that are told one by one.
const PROCESSES_MAX: usize = 10;

/// The functions that used most, and whose they are.
pub(crate) fn table(profile: &Profile, view: &View) -> String {
    let mut page = Page::new(view);
    page.words(
        Indent::default(),
        &format!(
            "node {}: {} of {} over {:.0} s, {} a second on each processor",
            profile.node,
            words::count(usize::try_from(profile.samples).unwrap_or(usize::MAX), "sample"),
            profile.about,
            profile.seconds,
            profile.hertz
        ),
    );
    if profile.samples > 0 {
        page.gap();
        functions(&mut page, profile);
        page.gap();
        processes(&mut page, profile);
    } else {
        page.words(Indent::default(), "It used no processor at any of the ticks.");
    }
    page.gap();
    for note in notes(profile) {
        page.words(Indent::default(), &note);
    }
    page.finish()
}

fn functions(page: &mut Page<'_>, profile: &Profile) {
    let mut uses: HashMap<(&str, &str), (u64, u64)> = HashMap::new();
    for stack in &profile.stacks {
        let places: Vec<_> = profile.frames_of(stack).map(place).collect();
        if let Some(last) = places.last() {
            uses.entry(*last).or_default().0 += stack.samples;
        }
        // A function that calls itself counts once for a sample.
        for place in places.into_iter().collect::<BTreeSet<_>>() {
            uses.entry(place).or_default().1 += stack.samples;
        }
    }
    let mut uses: Vec<_> = uses.into_iter().filter(|(_, (own, _))| *own > 0).collect();
    uses.sort_by_key(|(place, (own, all))| (std::cmp::Reverse((*own, *all)), *place));
    let mut rows = vec![header(&["SELF", "WITH CALLEES", "IN", "FUNCTION"])];
    for ((module, name), (own, all)) in uses.into_iter().take(FUNCTIONS_MAX) {
        rows.push(vec![
            Span::plain(share(own, profile.samples)),
            Span::plain(share(all, profile.samples)),
            Span::plain(module),
            Span::plain(name),
        ]);
    }
    page.table(&rows);
}

/// The file and the function; what has no name is one place in its file.
fn place(frame: &Frame) -> (&str, &str) {
    let module = match frame.module.as_str() {
        _ if frame.kernel => "kernel",
        "" => "-",
        module => module,
    };
    let rest = frame.name.strip_prefix(module);
    if rest.is_some_and(|rest| rest.starts_with("+0x")) {
        return (module, "(no symbols)");
    }
    (module, &frame.name)
}

fn processes(page: &mut Page<'_>, profile: &Profile) {
    let mut uses: BTreeMap<(u32, u32), (u64, &str)> = BTreeMap::new();
    for stack in &profile.stacks {
        let used = uses
            .entry((stack.pid, stack.owner))
            .or_insert((0, &stack.command));
        used.0 += stack.samples;
    }
    let mut uses: Vec<_> = uses.into_iter().collect();
    uses.sort_by_key(|(key, (samples, _))| (std::cmp::Reverse(*samples), *key));
    let mut rows = vec![header(&["SAMPLES", "PROCESS", "OF"])];
    for ((pid, owner), (samples, command)) in uses.into_iter().take(PROCESSES_MAX) {
        let owner = usize::try_from(owner).ok().and_then(|at| profile.owners.get(at));
        rows.push(vec![
            Span::plain(share(samples, profile.samples)),
            Span::plain(format!("{command} ({pid})")),
            Span::plain(owner.map_or_else(|| "-".to_owned(), Owner::words)),
        ]);
    }
    page.table(&rows);
}

/// What is not in it.
pub(crate) fn notes(profile: &Profile) -> Vec<String> {
    let mut notes = Vec::new();
    for (count, why) in [
        (profile.lost, "were taken and not counted: a table was full"),
        (
            profile.stacks_lost,
            "count without their stack: its place in the table was taken",
        ),
    ] {
        if count > 0 {
            let count = words::count(usize::try_from(count).unwrap_or(usize::MAX), "sample");
            notes.push(format!("Not all is shown: {count} {why}."));
        }
    }
    notes.extend(profile.coverage.iter().map(|gap| match gap.remedy.as_str() {
        "" => format!("{}: {}.", gap.signal, gap.why),
        remedy => format!("{}: {} ({remedy}).", gap.signal, gap.why),
    }));
    notes
}

/// `shop/web-1/app;java;main;work 17`: a line for each stack.
pub(crate) fn collapsed(profile: &Profile) -> String {
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for stack in &profile.stacks {
        *lines.entry(line(profile, stack)).or_default() += stack.samples;
    }
    lines
        .into_iter()
        .map(|(line, samples)| format!("{line} {samples}\n"))
        .collect()
}

fn line(profile: &Profile, stack: &ProfiledStack) -> String {
    let owner = profile.owner_of(stack).filter(|owner| owner.is_container());
    let mut parts: Vec<String> = owner.map(|owner| clean(&owner.words())).into_iter().collect();
    parts.push(clean(&stack.command));
    for frame in profile.frames_of(stack) {
        // As perf's own scripts mark what is the kernel's.
        let mark = if frame.kernel { "_[k]" } else { "" };
        parts.push(format!("{}{mark}", clean(&frame.name)));
    }
    parts.join(";")
}

/// What parts a line's parts, or ends it, is none of a name.
fn clean(name: &str) -> String {
    name.chars()
        .map(|c| if c == ';' || c.is_control() { '_' } else { c })
        .collect()
}

/// A flame graph.
///
/// # Errors
/// When there is nothing to draw.
pub(crate) fn svg(profile: &Profile) -> Result<Vec<u8>> {
    let mut options = flamegraph::Options::default();
    options.title = format!("CPU of {} on node {}", profile.about, profile.node);
    options.subtitle = Some(format!(
        "{} samples over {:.0} s, {} a second on each processor, by frame pointers",
        profile.samples, profile.seconds, profile.hertz
    ));
    let collapsed = collapsed(profile);
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, collapsed.lines(), &mut svg)
        .context("failed to draw: there are no samples")?;
    Ok(svg)
}

fn share(part: u64, whole: u64) -> String {
    format!("{:.1}%", part as f64 / whole.max(1) as f64 * 100.0)
}

fn header<'a>(names: &[&'a str]) -> Vec<Span<'a>> {
    names.iter().map(|name| Span::new(Paint::Strong, *name)).collect()
}
