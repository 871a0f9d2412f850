//! Lanes: the walls between people.

use arrayvec::ArrayVec;

use crate::limits::LANES;
use crate::reader::{Field, Reader, Result, Slot};
use crate::words::Word;
use crate::writer::Map;
use crate::{AgeCategory, DecodeError, Mode, QueueType, key};

/// A set of lanes, as many as there are.
pub type Lanes = ArrayVec<Lane, LANES>;

/// Who may meet whom: two people of different lanes never do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Lane {
    /// Wire: `ageCategory`.
    #[cfg_attr(feature = "typescript", ts(rename = "ageCategory"))]
    pub age: AgeCategory,
    /// Wire: `mode`.
    pub mode: Mode,
    /// Wire: `queueType`.
    #[cfg_attr(feature = "typescript", ts(rename = "queueType"))]
    pub queue: QueueType,
}

impl Lane {
    pub(crate) fn read(r: &mut Reader<'_>, field: Field) -> Result<Self> {
        let mut age = Slot::new(key::AGE_CATEGORY);
        let mut mode = Slot::new(key::MODE);
        let mut queue = Slot::new(key::QUEUE_TYPE);
        r.fields(DecodeError::WrongType(field), |name, r| match name {
            key::AGE_CATEGORY => age.fill(r, AgeCategory::read),
            key::MODE => mode.fill(r, Mode::read),
            key::QUEUE_TYPE => queue.fill(r, QueueType::read),
            _ => r.skip(),
        })?;
        Ok(Self { age: age.required()?, mode: mode.required()?, queue: queue.required()? })
    }

    /// Adds the lane's three fields to a map.
    pub(crate) fn write(&self, fields: &mut Map<'_>) {
        fields.put(key::AGE_CATEGORY, self.age);
        fields.put(key::MODE, self.mode);
        fields.put(key::QUEUE_TYPE, self.queue);
    }
}

/// Reads a list of lanes.
pub(crate) fn read_lanes(r: &mut Reader<'_>, field: Field) -> Result<Lanes> {
    let mut lanes = ArrayVec::new();
    r.elements(field, LANES, DecodeError::TooLong(field), |r| {
        lanes.push(Lane::read(r, field)?);
        Ok(())
    })?;
    Ok(lanes)
}
