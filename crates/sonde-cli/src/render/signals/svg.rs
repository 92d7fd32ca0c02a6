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
const MARGIN: usize = 24;
const HEAD: usize = 40;
/// Letters that fit into a box.
const NAME_MAX: usize = 36;

/// The drawing.
pub(crate) fn svg(graph: &Graph, answer: &Calls, filter: &Filter) -> String {
    let shown = shown(graph, filter);
    let mut points: BTreeMap<&Name, usize> = BTreeMap::new();
    for at in &shown {
        let edge = &graph.edges[*at];
        for name in [&edge.from, &edge.to] {
            let next = points.len();
            points.entry(name).or_insert(next);
        }
    }
    let ends: Vec<(usize, usize)> = shown
        .iter()
        .map(|at| (points[&graph.edges[*at].from], points[&graph.edges[*at].to]))
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
    for (at, (from, to)) in shown.iter().zip(&ends) {
        draw_edge(&mut out, graph, *at, answer, (seats[*from], seats[*to]));
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

fn draw_edge(out: &mut String, graph: &Graph, at: usize, answer: &Calls, (from, to): (Seat, Seat)) {
    let edge: &Edge = &graph.edges[at];
    let ((from_x, from_y), (to_x, to_y)) = (corner(from), corner(to));
    let (start_x, start_y) = (from_x + BOX_WIDTH, from_y + BOX_HEIGHT / 2);
    let (end_x, end_y) = (to_x, to_y + BOX_HEIGHT / 2);
    // A bow out to the right and in from the left, also where a ring leads back.
    let bend = GAP_X / 2;
    let it = edge.counts();
    let color = if it.errors > 0 || it.slow > 0 {
        "#b00020"
    } else {
        "#567"
    };
    let label = label(edge, answer);
    let title = [
        Some(format!("{} → {}: {label}", edge.from, edge.to)),
        note(graph, at),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join("; ");
    let _ = writeln!(
        out,
        "<g><title>{}</title><path d=\"M{start_x} {start_y} C{} {start_y} {} {end_y} {end_x} {end_y}\" fill=\"none\" \
         stroke=\"{color}\" stroke-width=\"1.5\" marker-end=\"url(#end)\"/>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"{color}\" font-size=\"11\">{}</text></g>",
        escaped(&title),
        start_x + bend,
        end_x.saturating_sub(bend),
        end_x.saturating_sub(12),
        end_y.saturating_sub(5),
        escaped(&label)
    );
}

/// Text of XML: what outside names hold must not become markup; what XML 1.0 has no place for is left out.
fn escaped(text: &str) -> String {
    text.chars()
        .filter(|it| !it.is_control())
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
