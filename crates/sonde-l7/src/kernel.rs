//! Data with which a program in the kernel judges a response by its first bytes, in a step without loops over input.
//!
//! The tables are plain numbers of fixed layout, to be copied into a map. [`KernelCheck::outcome`] is what the kernel
//! does with them, in Rust: tests hold it against the full parsers.

/// How a response looks from its first bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// The first bytes do not tell.
    #[default]
    Unknown = 0,
    /// It worked.
    Ok = 1,
    /// The request was refused as wrong: a failure for which the caller is to blame.
    CallerError = 2,
    /// It failed.
    CalleeError = 3,
    /// Not the response yet.
    Interim = 4,
}

impl Outcome {
    /// Whether the call failed.
    pub fn is_error(self) -> bool {
        matches!(self, Self::CallerError | Self::CalleeError)
    }
}

/// Rules look no further into a response: the kernel reads no more of it to judge it.
pub const LOOK_MAX: usize = 24;

/// Rules that a check has.
pub const RULES_MAX: usize = 6;

/// "The number of `width` bytes at `offset`, most significant byte first, after `mask`, lies in `low..=high`."
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Rule {
    /// From the first byte of the response.
    pub offset: u8,
    /// 1, 2 or 4; 0 is a rule that is not there.
    pub width: u8,
    /// What it means if it holds.
    pub outcome: Outcome,
    #[doc(hidden)]
    pub reserved: u8,
    /// The bits that count.
    pub mask: u32,
    /// The least value.
    pub low: u32,
    /// The greatest value.
    pub high: u32,
}

impl Rule {
    pub(crate) const NONE: Self = Self::new(0, 0, 0, 0..=0, Outcome::Unknown);

    const fn new(
        offset: u8,
        width: u8,
        mask: u32,
        range: std::ops::RangeInclusive<u32>,
        outcome: Outcome,
    ) -> Self {
        assert!(
            offset as usize + width as usize <= LOOK_MAX,
            "the kernel does not read that far"
        );
        Self {
            offset,
            width,
            outcome,
            reserved: 0,
            mask,
            low: *range.start(),
            high: *range.end(),
        }
    }

    /// One byte in a range.
    pub(crate) const fn byte(offset: u8, range: std::ops::RangeInclusive<u32>, outcome: Outcome) -> Self {
        Self::new(offset, 1, 0xff, range, outcome)
    }

    /// Some bits of one byte in a range.
    pub(crate) const fn bits(
        offset: u8,
        mask: u32,
        range: std::ops::RangeInclusive<u32>,
        outcome: Outcome,
    ) -> Self {
        Self::new(offset, 1, mask, range, outcome)
    }

    /// Two bytes as a number in a range.
    pub(crate) const fn word(offset: u8, range: std::ops::RangeInclusive<u32>, outcome: Outcome) -> Self {
        Self::new(offset, 2, 0xffff, range, outcome)
    }

    /// Four bytes as they are.
    pub(crate) const fn text(offset: u8, text: [u8; 4], outcome: Outcome) -> Self {
        let value = u32::from_be_bytes(text);
        Self::new(offset, 4, u32::MAX, value..=value, outcome)
    }

    /// Four bytes as a number in a range.
    pub(crate) const fn long(offset: u8, range: std::ops::RangeInclusive<u32>, outcome: Outcome) -> Self {
        Self::new(offset, 4, u32::MAX, range, outcome)
    }

    /// Some bits of four bytes in a range, as a condition: it has no outcome.
    pub(crate) const fn when(offset: u8, mask: u32, range: std::ops::RangeInclusive<u32>) -> Self {
        Self::new(offset, 4, mask, range, Outcome::Unknown)
    }

    /// `None` if there are too few bytes.
    pub(crate) fn holds(&self, bytes: &[u8]) -> Option<bool> {
        let (start, width) = (usize::from(self.offset), usize::from(self.width));
        let value = bytes
            .get(start..start + width)?
            .iter()
            .fold(0, |value, byte| value << 8 | u32::from(*byte));
        Some((self.low..=self.high).contains(&(value & self.mask)))
    }
}

/// Where the id stands that tells which response is whose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Correlation {
    /// In a request.
    pub request_offset: u8,
    /// In a response.
    pub response_offset: u8,
    /// Bytes; 0 if there is no such id.
    pub width: u8,
    #[doc(hidden)]
    pub reserved: u8,
}

/// Where a message says how long it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Length {
    /// From the message's first byte.
    pub offset: u8,
    /// Bytes; 0 if it does not say.
    pub width: u8,
    /// 1 if the least significant byte comes first.
    pub little_endian: u8,
    /// What the number does not count.
    pub add: i8,
}

/// How calls that run at the same time on one connection are told apart: what of each frame matters, beside its length
/// and its id. Rules that stand together hold together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Framing {
    /// Bytes of a client's frame in which all of this shows; 0 if calls are not followed one by one.
    pub request_header: u8,
    /// The same of a server's.
    pub answer_header: u8,
    /// What a client's stream has before its first frame.
    pub preface_len: u8,
    /// 1 if a server's frame says so little that, out of step, only the id of a call under way proves it.
    pub answer_by_id: u8,
    /// 1 if a server may send answers that nobody asked for.
    pub answers_unasked: u8,
    #[doc(hidden)]
    pub reserved: [u8; 3],
    /// How that begins which a client's stream has before its first frame.
    pub preface: [u8; 4],
    /// No frame is longer.
    pub len_max: u32,
    /// Holds for every frame of a client.
    pub client: Rule,
    /// Holds for every frame of a server.
    pub server: Rule,
    /// A call begins.
    pub request: [Rule; 2],
    /// Its answer begins.
    pub answer: [Rule; 2],
    /// Nothing more of the answer follows; without the rule an answer is one frame.
    pub end: Rule,
    /// The call ends without an answer.
    pub abort: Rule,
}

impl Framing {
    /// Calls are not followed one by one.
    pub(crate) const NONE: Self = Self {
        request_header: 0,
        answer_header: 0,
        preface_len: 0,
        answer_by_id: 0,
        answers_unasked: 0,
        reserved: [0; 3],
        preface: [0; 4],
        len_max: 0,
        client: Rule::NONE,
        server: Rule::NONE,
        request: [Rule::NONE; 2],
        answer: [Rule::NONE; 2],
        end: Rule::NONE,
        abort: Rule::NONE,
    };
}

/// All that the kernel needs to know about a protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct KernelCheck {
    /// If there is one, the rules mean something only where it holds.
    pub guard: Rule,
    /// In order; the first that holds decides.
    pub rules: [Rule; RULES_MAX],
    /// What a response is if no rule holds but there were bytes enough for all.
    pub otherwise: Outcome,
    #[doc(hidden)]
    pub reserved: [u8; 3],
    /// For protocols that mix responses.
    pub correlation: Correlation,
    /// For protocols whose messages have a length.
    pub length: Length,
    /// For protocols whose calls are followed one by one: they have a correlation and a length, too.
    pub framing: Framing,
}

impl KernelCheck {
    /// The protocol tells nothing by fixed bytes.
    pub const NONE: Self = Self::new([], Outcome::Unknown);

    pub(crate) const fn new<const N: usize>(rules: [Rule; N], otherwise: Outcome) -> Self {
        let mut all = [Rule::NONE; RULES_MAX];
        let mut at = 0;
        while at < N {
            all[at] = rules[at];
            at += 1;
        }
        Self {
            guard: Rule::NONE,
            rules: all,
            otherwise,
            reserved: [0; 3],
            correlation: Correlation {
                request_offset: 0,
                response_offset: 0,
                width: 0,
                reserved: 0,
            },
            length: Length {
                offset: 0,
                width: 0,
                little_endian: 0,
                add: 0,
            },
            framing: Framing::NONE,
        }
    }

    pub(crate) const fn framed(mut self, framing: Framing) -> Self {
        assert!(
            self.correlation.width >= 4 && self.length.width > 0,
            "frames have ids and lengths"
        );
        self.framing = framing;
        self
    }

    pub(crate) const fn guarded(mut self, guard: Rule) -> Self {
        self.guard = guard;
        self
    }

    pub(crate) const fn correlated(mut self, request_offset: u8, response_offset: u8, width: u8) -> Self {
        self.correlation = Correlation {
            request_offset,
            response_offset,
            width,
            reserved: 0,
        };
        self
    }

    pub(crate) const fn long(mut self, offset: u8, width: u8, little_endian: bool, add: i8) -> Self {
        self.length = Length {
            offset,
            width,
            little_endian: little_endian as u8,
            add,
        };
        self
    }

    /// What the kernel makes of a response's first bytes.
    pub fn outcome(&self, response: &[u8]) -> Outcome {
        if self.guard.width > 0 && self.guard.holds(response) != Some(true) {
            return Outcome::Unknown;
        }
        for rule in self.rules.iter().filter(|rule| rule.width > 0) {
            match rule.holds(response) {
                Some(true) => return rule.outcome,
                Some(false) => {}
                None => return Outcome::Unknown,
            }
        }
        if response.is_empty() {
            return Outcome::Unknown;
        }
        self.otherwise
    }

    /// The correlation id in a request's or a response's first bytes, as the kernel compares it.
    pub fn correlation_id(&self, response: bool, bytes: &[u8]) -> Option<u64> {
        let Correlation {
            request_offset,
            response_offset,
            width,
            ..
        } = self.correlation;
        let start = usize::from(if response { response_offset } else { request_offset });
        let id = bytes.get(start..start + usize::from(width))?;
        (width > 0).then(|| id.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// The length of the message that starts with these bytes.
    pub fn message_len(&self, bytes: &[u8]) -> Option<u64> {
        let Length {
            offset,
            width,
            little_endian,
            add,
        } = self.length;
        let start = usize::from(offset);
        let field = bytes.get(start..start + usize::from(width))?;
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let value = match (width, little_endian) {
            (0, _) => return None,
            (_, 0) => field.iter().fold(0, fold),
            _ => field.iter().rev().fold(0, fold),
        };
        value.checked_add_signed(i64::from(add))
    }
}

// The layout that programs in the kernel read.
const _: () = {
    assert!(size_of::<Rule>() == 16);
    assert!(size_of::<Correlation>() == 4);
    assert!(size_of::<Length>() == 4);
    assert!(size_of::<Framing>() == 16 + 16 * 8);
    assert!(size_of::<KernelCheck>() == 16 * (1 + RULES_MAX) + 12 + size_of::<Framing>());
};
