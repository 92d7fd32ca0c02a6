//! Where the points of a graph stand in a drawing: callers on the left, callees in columns to their right.

/// Where a point stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// 0 is the leftmost.
    pub column: usize,
    /// 0 is the topmost of its column.
    pub row: usize,
}

/// Passes that put a point near those it is joined to; more change little.
const PASSES: usize = 4;

/// Seats for `points` points, joined by edges from caller to callee. A callee stands to the right of all its callers, but
/// for the edges that close a ring; within a column points stand near those they are joined to. The same graph gives the
/// same seats. Edges to points that do not exist, and of a point to itself, count for nothing.
pub fn layout(points: usize, edges: &[(usize, usize)]) -> Vec<Seat> {
    let edges: Vec<(usize, usize)> = edges
        .iter()
        .copied()
        .filter(|(from, to)| from != to && *from < points && *to < points)
        .collect();
    let mut callees = vec![Vec::new(); points];
    for (from, to) in &edges {
        callees[*from].push(*to);
    }
    let columns = columns(&callees);
    let mut order: Vec<Vec<usize>> = Vec::new();
    for (point, column) in columns.iter().enumerate() {
        if order.len() <= *column {
            order.resize(column.saturating_add(1), Vec::new());
        }
        order[*column].push(point);
    }
    let mut rows = vec![0; points];
    for pass in 0..PASSES {
        for column in &mut order {
            if pass > 0 {
                sort_by_neighbours(column, &edges, &rows);
            }
            for (row, point) in column.iter().enumerate() {
                rows[*point] = row;
            }
        }
    }
    columns
        .into_iter()
        .zip(rows)
        .map(|(column, row)| Seat { column, row })
        .collect()
}

/// The length of the longest way to each point, over the edges that close no ring.
fn columns(callees: &[Vec<usize>]) -> Vec<usize> {
    let mut called = vec![false; callees.len()];
    for callee in callees.iter().flatten() {
        called[*callee] = true;
    }
    // Points in the order in which they are left, last first: whoever calls stands before whom it calls.
    let mut state = vec![Visit::Not; callees.len()];
    let mut left = Vec::new();
    let mut kept: Vec<Vec<usize>> = vec![Vec::new(); callees.len()];
    // A ring has no beginning, so after those that nobody calls each point is tried.
    let roots = (0..callees.len())
        .filter(|point| !called[*point])
        .chain(0..callees.len());
    for root in roots {
        if state[root] != Visit::Not {
            continue;
        }
        state[root] = Visit::Within;
        let mut way = vec![(root, 0)];
        while let Some((point, next)) = way.last_mut() {
            let point = *point;
            let Some(callee) = callees[point].get(*next) else {
                state[point] = Visit::Left;
                left.push(point);
                way.pop();
                continue;
            };
            *next = next.saturating_add(1);
            if state[*callee] == Visit::Within {
                continue;
            }
            kept[point].push(*callee);
            if state[*callee] == Visit::Not {
                state[*callee] = Visit::Within;
                way.push((*callee, 0));
            }
        }
    }
    let mut columns = vec![0_usize; callees.len()];
    for point in left.into_iter().rev() {
        for callee in &kept[point] {
            columns[*callee] = columns[*callee].max(columns[point].saturating_add(1));
        }
    }
    columns
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    Not,
    Within,
    Left,
}

/// By the mean row of those that each is joined to.
fn sort_by_neighbours(column: &mut [usize], edges: &[(usize, usize)], rows: &[usize]) {
    let mean = |point: usize| {
        let near = edges
            .iter()
            .filter_map(|(from, to)| match (*from == point, *to == point) {
                (true, _) => Some(rows[*to]),
                (_, true) => Some(rows[*from]),
                _ => None,
            });
        let (sum, count) = near.fold((0.0, 0.0), |(sum, count), row| (sum + row as f64, count + 1.0));
        if count > 0.0 {
            sum / count
        } else {
            rows[point] as f64
        }
    };
    let mut keyed: Vec<(f64, usize)> = column.iter().map(|point| (mean(*point), *point)).collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (place, (_, point)) in column.iter_mut().zip(keyed) {
        *place = point;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns_of(points: usize, edges: &[(usize, usize)]) -> Vec<usize> {
        layout(points, edges)
            .into_iter()
            .map(|seat| seat.column)
            .collect()
    }

    #[test]
    fn callees_stand_to_the_right_of_all_their_callers() {
        // gateway -> app -> database, and gateway -> database
        assert_eq!(columns_of(3, &[(0, 1), (1, 2), (0, 2)]), [0, 1, 2]);
        assert_eq!(columns_of(3, &[(2, 1), (1, 0)]), [2, 1, 0]);
    }

    #[test]
    fn rings_selves_and_strangers_do_no_harm() {
        assert_eq!(columns_of(2, &[(0, 1), (1, 0)]), [0, 1]);
        assert_eq!(columns_of(2, &[(0, 0), (0, 9), (0, 1)]), [0, 1]);
        assert!(columns_of(0, &[]).is_empty());
        // Somebody calls into a ring.
        assert_eq!(columns_of(3, &[(0, 1), (1, 0), (2, 0)]), [1, 2, 0]);
    }

    #[test]
    fn no_two_points_share_a_seat_and_lines_do_not_cross_where_they_need_not() {
        let edges = [(0, 3), (1, 2)];
        let seats = layout(4, &edges);
        for (at, seat) in seats.iter().enumerate() {
            assert!(!seats[..at].contains(seat), "{seats:?}");
        }
        assert!(
            (seats[0].row < seats[1].row) == (seats[3].row < seats[2].row),
            "{seats:?}"
        );
    }
}
