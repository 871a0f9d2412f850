//! Means over waits that aren't independent, and how far two of them differ.
//!
//! The variance of a mean is that of sums over people, and what sums over slices of time vary beyond
//! their single waits is added. See the [page above](super) for why.

use std::ops::Sub;

/// The slices of time of a tenth, of as many waits each.
pub(super) const SLICES: usize = 100;

/// One wait within its tenth.
pub(super) struct Wait {
    pub(super) group: usize,
    pub(super) person: u32,
    pub(super) slice: usize,
    /// In microseconds.
    pub(super) waited: i64,
}

/// A difference between a group and everybody else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// By how much the group's figure is greater.
    pub by: f64,
    /// Its standard error.
    pub error: f64,
}

impl Difference {
    /// The difference in standard errors.
    pub fn errors(&self) -> f64 {
        self.by / self.error
    }
}

/// A figure summed over some waits, and over the people and slices they belong to.
pub(super) struct Part {
    sum: Sum,
    people: Spread,
    /// Of one person in one slice.
    cells: Spread,
    slices: Vec<Sum>,
}

/// So many, and their sum.
#[derive(Clone, Copy, Default)]
struct Sum {
    count: f64,
    sum: f64,
}

/// What it takes to tell how sums over clusters of waits vary about any mean.
#[derive(Clone, Copy, Default)]
struct Spread {
    counts_squared: f64,
    counts_by_sums: f64,
    sums_squared: f64,
}

impl Part {
    /// Of waits in the order of group, person and slice.
    pub(super) fn of(waits: &[Wait], figure: impl Fn(i64) -> f64) -> Self {
        let (mut people, mut cells) = (Spread::default(), Spread::default());
        let mut slices = vec![Sum::default(); SLICES];
        let same =
            |one: &Wait, other: &Wait| (one.group, one.person) == (other.group, other.person);
        for of_person in waits.chunk_by(same) {
            let mut person = Sum::default();
            for of_cell in of_person.chunk_by(|one, other| one.slice == other.slice) {
                let mut cell = Sum::default();
                of_cell.iter().for_each(|it| cell.add(1.0, figure(it.waited)));
                cells.add(cell);
                slices[of_cell[0].slice].add(cell.count, cell.sum);
                person.add(cell.count, cell.sum);
            }
            people.add(person);
        }
        let mut sum = Sum::default();
        slices.iter().for_each(|it| sum.add(it.count, it.sum));
        Self { sum, people, cells, slices }
    }

    /// The same of all other waits, where this is of all and `part` of some.
    pub(super) fn without(&self, part: &Self) -> Self {
        let slices = self.slices.iter().zip(&part.slices);
        Self {
            sum: self.sum - part.sum,
            people: self.people - part.people,
            cells: self.cells - part.cells,
            slices: slices.map(|(&all, &some)| all - some).collect(),
        }
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum.sum / self.sum.count
    }

    /// How far the mean is above that of others.
    pub(super) fn against(&self, others: &Self) -> Difference {
        let variance = |spread: fn(&Self) -> Spread| {
            let of = |part: &Self| spread(part).about(part.mean()) / part.sum.count.powi(2);
            of(self) + of(others)
        };
        let off =
            |part: &Self, slice: Sum| (slice.sum - slice.count * part.mean()) / part.sum.count;
        let slices = self.slices.iter().zip(&others.slices);
        let of_slices: f64 =
            slices.map(|(&mine, &theirs)| (off(self, mine) - off(others, theirs)).powi(2)).sum();
        let shared = (of_slices - variance(|it| it.cells)).max(0.0);
        Difference {
            by: self.mean() - others.mean(),
            error: (variance(|it| it.people) + shared).sqrt(),
        }
    }
}

impl Sum {
    fn add(&mut self, count: f64, sum: f64) {
        self.count += count;
        self.sum += sum;
    }
}

impl Sub for Sum {
    type Output = Self;

    fn sub(self, some: Self) -> Self {
        Self { count: self.count - some.count, sum: self.sum - some.sum }
    }
}

impl Spread {
    fn add(&mut self, cluster: Sum) {
        self.counts_squared += cluster.count * cluster.count;
        self.counts_by_sums += cluster.count * cluster.sum;
        self.sums_squared += cluster.sum * cluster.sum;
    }

    /// The sum over clusters of their squared deviation, each wait from the mean.
    fn about(&self, mean: f64) -> f64 {
        self.sums_squared - 2.0 * mean * self.counts_by_sums + mean * mean * self.counts_squared
    }
}

impl Sub for Spread {
    type Output = Self;

    fn sub(self, some: Self) -> Self {
        Self {
            counts_squared: self.counts_squared - some.counts_squared,
            counts_by_sums: self.counts_by_sums - some.counts_by_sums,
            sums_squared: self.sums_squared - some.sums_squared,
        }
    }
}
