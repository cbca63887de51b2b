//! Pieces of the sequence space, in order and apart from each other: what was sent again, what is known to have arrived.

use wire::Seq;

/// So many pieces are told apart; beyond that the two highest become one. A receiver reports four at a time.
const PIECES_MAX: usize = 16;

/// Pieces, each from its first number to the one after its last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<[Seq; 2]>);

impl Ranges {
    /// Adds what is from `left` to `right`.
    pub(super) fn add(&mut self, left: Seq, right: Seq) {
        if !left.before(right) {
            return;
        }
        let first = self.0.partition_point(|[_, end]| end.before(left));
        let last = first + self.0[first..].partition_point(|[begin, _]| begin.at_or_before(right));
        let joined = self.0[first..last]
            .iter()
            .fold([left, right], |[from, to], [begin, end]| [from.earliest(*begin), to.latest(*end)]);
        self.0.splice(first..last, [joined]);
        if self.0.len() > PIECES_MAX
            && let (Some([_, end]), Some(below)) = (self.0.pop(), self.0.last_mut())
        {
            below[1] = end;
        }
    }

    /// Forgets what is before `una`.
    pub(super) fn forget_before(&mut self, una: Seq) {
        self.0.retain(|[_, end]| end.after(una));
        if let Some(first) = self.0.first_mut() {
            first[0] = first[0].latest(una);
        }
    }

    /// Whether some of what is from `left` to `right` is in it.
    pub(super) fn touches(&self, left: Seq, right: Seq) -> bool {
        self.0.iter().any(|[begin, end]| begin.before(right) && end.after(left))
    }

    /// The parts between `left` and `right` that are not in it.
    pub(super) fn gaps(&self, left: Seq, right: Seq) -> impl Iterator<Item = [Seq; 2]> {
        let ends = std::iter::once(left).chain(self.0.iter().map(|[_, end]| *end));
        let begins = self.0.iter().map(|[begin, _]| *begin).chain(std::iter::once(right));
        ends.zip(begins)
            .map(move |(from, to)| [from.latest(left), to.earliest(right)])
            .filter(|[from, to]| from.before(*to))
    }

    /// The three highest pieces, those that are not there empty and at `none`.
    pub(super) fn highest_pieces(&self, none: Seq) -> [[Seq; 2]; 3] {
        let mut pieces = [[none; 2]; 3];
        pieces.iter_mut().zip(self.0.iter().rev()).for_each(|(piece, of)| *piece = *of);
        pieces
    }

    /// How many bytes it holds.
    pub(super) fn bytes(&self) -> u32 {
        self.0.iter().map(|[begin, end]| end.bytes_since(*begin)).sum()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[[u32; 2]]) -> Ranges {
        let mut ranges = Ranges::default();
        pieces.iter().for_each(|[left, right]| ranges.add(Seq::new(*left), Seq::new(*right)));
        ranges
    }

    #[test]
    fn pieces_that_touch_become_one() {
        assert_eq!(of(&[[10, 20], [30, 40], [20, 30]]), of(&[[10, 40]]));
        assert_eq!(of(&[[30, 40], [10, 20], [15, 18], [20, 20]]), of(&[[10, 20], [30, 40]]));
        let across = of(&[[u32::MAX - 5, 5], [5, 9]]);
        assert_eq!(across.bytes(), 15);
    }

    #[test]
    fn what_is_missing_between_them_is_told() {
        let ranges = of(&[[10, 20], [30, 40]]);
        let gaps = |left, right| {
            let gaps = ranges.gaps(Seq::new(left), Seq::new(right));
            gaps.map(|gap| gap.map(Seq::number)).collect::<Vec<_>>()
        };
        assert_eq!(gaps(0, 50), [[0, 10], [20, 30], [40, 50]]);
        assert_eq!(gaps(12, 35), [[20, 30]]);
        assert_eq!(gaps(12, 18), [[0; 2]; 0]);
        assert!(ranges.touches(Seq::new(19), Seq::new(21)) && !ranges.touches(Seq::new(20), Seq::new(30)));
    }

    #[test]
    fn what_is_acknowledged_is_forgotten_and_there_are_never_many() {
        let mut ranges = of(&[[10, 20], [30, 40]]);
        ranges.forget_before(Seq::new(15));
        assert_eq!(ranges, of(&[[15, 20], [30, 40]]));
        for piece in 0..100 {
            ranges.add(Seq::new(100 + 10 * piece), Seq::new(105 + 10 * piece));
        }
        assert_eq!(ranges.0.len(), PIECES_MAX);
        let [highest, ..] = ranges.highest_pieces(Seq::new(0));
        assert_eq!(highest.map(Seq::number), [230, 1_095], "the two highest became one, each time");
        assert_eq!(
            of(&[[1, 2]]).highest_pieces(Seq::new(9)).map(|piece| piece.map(Seq::number)),
            [[1, 2], [9; 2], [9; 2]]
        );
    }
}
