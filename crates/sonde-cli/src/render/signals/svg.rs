//! `sonde map -o svg`: a drawing that stands for itself, without scripts, fonts or anything from elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sonde_model::Calls;
use sonde_topology::{Edge, Graph, Name, Seat, layout};

use super::Filter;
use super::graph::{label, note, shown};

/// Pixels.
const BOX_WIDTH: usize = 260;
const BOX_HEIGHT: usize = 44;
const GAP_X: usize = 220;
const GAP_Y: usize = 26;
const MARGIN: usize = 36;
const HEAD: usize = 40;
/// Letters that fit into a box.
const NAME_MAX: usize = 32;

/// The drawing.
pub(crate) fn svg(graph: &Graph, answer: &Calls, filter: &Filter) -> String {
    let shown = shown(graph, filter);
    // One line for each pair, however many ports and protocols are between them.
    let mut lines: BTreeMap<(&Name, &Name), Vec<usize>> = BTreeMap::new();
    let mut points: BTreeMap<&Name, usize> = BTreeMap::new();
    for at in &shown {
        let edge = &graph.edges[*at];
        lines.entry((&edge.from, &edge.to)).or_default().push(*at);
        for name in [&edge.from, &edge.to] {
            let next = points.len();
            points.entry(name).or_insert(next);
        }
    }
    let ends: Vec<(usize, usize)> = lines
        .keys()
        .map(|(from, to)| (points[from], points[to]))
        .collect();
    let seats = layout(points.len(), &ends);
    let columns = seats.iter().map(|seat| seat.column + 1).max().unwrap_or(1);
    let rows = seats.iter().map(|seat| seat.row + 1).max().unwrap_or(1);
    let width = 2 * MARGIN + columns * BOX_WIDTH + (columns - 1) * GAP_X;
    let height = HEAD + 2 * MARGIN + rows * BOX_HEIGHT + (rows - 1) * GAP_Y;
    // Writing to a string does not fail, here and below.
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n\
         <title>{}</title>\n\
         <defs><marker id=\"end\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
         <path d=\"M0 0 8 4 0 8z\" fill=\"context-stroke\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"{HEAD}\" fill=\"#444\">{}</text>\n",
        escaped(&format!("Who calls whom on node {}", answer.node)),
        escaped(&format!(
            "node {}, {} to {}",
            answer.node, answer.since, answer.now
        )),
    );
    for (mut edges, (from, to)) in lines.into_values().zip(&ends) {
        edges.sort_by_key(|at| std::cmp::Reverse(graph.edges[*at].counts().calls));
        draw_line(&mut out, graph, &edges, answer, (seats[*from], seats[*to]));
    }
    for (name, point) in &points {
        draw_point(&mut out, name, seats[*point]);
    }
    out.push_str("</svg>\n");
    out
}

/// The upper left corner of a box.
fn corner(seat: Seat) -> (usize, usize) {
    (
        MARGIN + seat.column * (BOX_WIDTH + GAP_X),
        HEAD + MARGIN + seat.row * (BOX_HEIGHT + GAP_Y),
    )
}

fn draw_point(out: &mut String, name: &Name, seat: Seat) {
    let (x, y) = corner(seat);
    let whole = name.to_string();
    let short = match whole.char_indices().nth(NAME_MAX) {
        Some((cut, _)) => format!("{}…", &whole[..cut]),
        None => whole.clone(),
    };
    let _ = writeln!(
        out,
        "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"4\" fill=\"#f4f6f8\" \
         stroke=\"#667\"/><text x=\"{}\" y=\"{}\">{}</text></g>",
        escaped(&whole),
        x + 10,
        y + BOX_HEIGHT / 2 + 4,
        escaped(&short)
    );
}

/// The edges of a pair, the busiest first.
fn draw_line(out: &mut String, graph: &Graph, edges: &[usize], answer: &Calls, (from, to): (Seat, Seat)) {
    let ((from_x, from_y), (to_x, to_y)) = (corner(from), corner(to));
    let (start_x, start_y) = (from_x + BOX_WIDTH, from_y + BOX_HEIGHT / 2);
    let (end_x, end_y) = (to_x, to_y + BOX_HEIGHT / 2);
    // A bow out to the right and in from the left, also where a ring leads back.
    let bend = GAP_X / 2;
    let is_bad = |edge: &Edge| edge.counts().errors > 0 || edge.counts().slow > 0;
    let color = if edges.iter().any(|at| is_bad(&graph.edges[*at])) {
        "#b00020"
    } else {
        "#567"
    };
    let mut shown = edges
        .first()
        .map(|at| label(&graph.edges[*at], answer))
        .unwrap_or_default();
    if edges.len() > 1 {
        let _ = write!(shown, " +{} more", edges.len() - 1);
    }
    let mut title = String::new();
    for at in edges {
        let edge = &graph.edges[*at];
        let _ = write!(title, "{} → {}: {}", edge.from, edge.to, label(edge, answer));
        if let Some(note) = note(graph, *at) {
            let _ = write!(title, "; {note}");
        }
        title.push('\n');
    }
    let _ = writeln!(
        out,
        "<g><title>{}</title><path d=\"M{start_x} {start_y} C{} {start_y} {} {end_y} {end_x} {end_y}\" fill=\"none\" \
         stroke=\"{color}\" stroke-width=\"1.5\" marker-end=\"url(#end)\"/>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{color}\" font-size=\"11\" stroke=\"white\" stroke-width=\"3\" \
         paint-order=\"stroke\">{}</text></g>",
        escaped(title.trim_end()),
        start_x + bend,
        end_x.saturating_sub(bend),
        usize::midpoint(start_x, end_x),
        usize::midpoint(start_y, end_y) + 4,
        escaped(&shown)
    );
}

/// Text of XML: what outside names hold must not become markup; what XML 1.0 has no place for is left out.
fn escaped(text: &str) -> String {
    text.chars()
        .filter(|it| *it == '\n' || !it.is_control())
        .fold(String::new(), |mut out, it| {
            match it {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                _ => out.push(it),
            }
            out
        })
}
