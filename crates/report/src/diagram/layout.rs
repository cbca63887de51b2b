//! The positions of boxes, arrows and labels, in character cells.
//!
//! Laid out by hand so that no two arrows cross. CLOSED appears twice, at the top where connections
//! begin and at the bottom where they end, as in the RFC. The rows of a pair of states without a route
//! here are listed below the picture, and a test fails.

use tcp::state::State;

/// Columns and rows of the whole picture.
pub(super) const SIZE: (usize, usize) = (106, 45);
/// Columns and rows of a box, border included.
pub(super) const BOX: (usize, usize) = (16, 3);

const LEFT: usize = 16;
const MIDDLE: usize = 52;
const RIGHT: usize = 88;

/// A cell: column and row.
pub(super) type Cell = (usize, usize);

/// The states and the top left corners of their boxes.
pub(super) const BOXES: [(State, Cell); 12] = [
    (State::Closed, (MIDDLE, 0)),
    (State::Listen, (MIDDLE, 6)),
    (State::SynReceived, (LEFT, 12)),
    (State::SynSent, (RIGHT, 12)),
    (State::Established, (MIDDLE, 18)),
    (State::FinWait1, (LEFT, 24)),
    (State::CloseWait, (RIGHT, 24)),
    (State::Closing, (MIDDLE, 29)),
    (State::FinWait2, (LEFT, 36)),
    (State::TimeWait, (MIDDLE, 36)),
    (State::LastAck, (RIGHT, 36)),
    (State::Closed, (MIDDLE, 42)),
];

/// Where the label of an arrow is.
#[derive(Clone, Copy)]
pub(super) enum LabelPlace {
    /// It begins at this cell.
    From(usize, usize),
    /// It ends at this cell.
    UpTo(usize, usize),
}

/// The path of one arrow, from the border of a box to that of another.
pub(super) struct Route {
    pub(super) from: State,
    pub(super) to: State,
    pub(super) path: &'static [Cell],
    pub(super) label: LabelPlace,
}

const fn route(from: State, to: State, path: &'static [Cell], label: LabelPlace) -> Route {
    Route { from, to, path, label }
}

/// All arrows.
pub(super) static ROUTES: [Route; 22] = {
    use LabelPlace::{From, UpTo};
    use State::{
        CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent,
        TimeWait,
    };
    [
        route(Closed, Listen, &[(55, 2), (55, 6)], UpTo(53, 4)),
        route(Listen, Closed, &[(59, 6), (59, 2)], From(61, 5)),
        route(Closed, SynSent, &[(67, 1), (100, 1), (100, 12)], From(71, 0)),
        route(SynSent, Closed, &[(95, 12), (95, 4), (65, 4), (65, 2)], From(71, 3)),
        route(Listen, SynReceived, &[(52, 7), (20, 7), (20, 12)], From(26, 6)),
        route(SynReceived, Listen, &[(27, 12), (27, 10), (55, 10), (55, 8)], From(29, 8)),
        route(Listen, SynSent, &[(67, 7), (91, 7), (91, 12)], From(69, 5)),
        route(SynSent, SynReceived, &[(88, 13), (31, 13)], From(49, 12)),
        route(SynReceived, Established, &[(27, 14), (27, 19), (52, 19)], From(30, 18)),
        route(SynSent, Established, &[(95, 14), (95, 19), (67, 19)], From(70, 18)),
        route(SynReceived, FinWait1, &[(19, 14), (19, 24)], UpTo(17, 19)),
        route(Established, FinWait1, &[(55, 20), (55, 22), (27, 22), (27, 24)], From(30, 21)),
        route(Established, CloseWait, &[(64, 20), (64, 22), (95, 22), (95, 24)], From(68, 21)),
        route(FinWait1, Closing, &[(31, 25), (59, 25), (59, 29)], From(35, 24)),
        route(FinWait1, FinWait2, &[(19, 26), (19, 36)], UpTo(17, 31)),
        route(FinWait1, TimeWait, &[(27, 26), (27, 34), (55, 34), (55, 36)], From(29, 33)),
        route(FinWait2, TimeWait, &[(31, 37), (52, 37)], From(33, 36)),
        route(Closing, TimeWait, &[(60, 31), (60, 36)], From(62, 33)),
        route(CloseWait, LastAck, &[(95, 26), (95, 36)], UpTo(93, 31)),
        route(LastAck, Closed, &[(95, 38), (95, 43), (67, 43)], From(71, 42)),
        route(TimeWait, Closed, &[(60, 38), (60, 42)], From(62, 40)),
        route(TimeWait, SynReceived, &[(55, 38), (55, 40), (1, 40), (1, 13), (16, 13)], From(5, 39)),
    ]
};

/// The route of an arrow, if it has one.
pub(super) fn route_of(from: State, to: State) -> Option<&'static Route> {
    ROUTES.iter().find(|route| (route.from, route.to) == (from, to))
}
