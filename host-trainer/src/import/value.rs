//! What a pickle may hold here: the few kinds of values that a state dictionary is made of.

use std::rc::Rc;

/// A value on the pickle machine's stack. Containers are complete when they appear in one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// Text.
    Text(Rc<str>),
    /// A class or function by module and name; never called.
    Global(Rc<str>),
    /// A tuple.
    Tuple(Rc<[Value]>),
    /// An ordered dictionary, or a plain one, by its place in the machine's list.
    Dictionary(usize),
    /// A storage that the archive holds in a file of its own.
    Storage(Rc<Storage>),
    /// A window into a storage.
    Tensor(Rc<TensorWindow>),
}

/// The type of a storage's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// 32-bit float.
    Float,
    /// 64-bit float.
    Double,
    /// 16-bit float, 5 bits of exponent.
    Half,
    /// 16-bit float, 8 bits of exponent.
    BFloat16,
    /// 64-bit integer: only in bookkeeping that is left out.
    Long,
}

impl Number {
    /// Bytes of one number.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Half | Self::BFloat16 => 2,
            Self::Float => 4,
            Self::Double | Self::Long => 8,
        }
    }
}

/// A run of numbers in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Their type.
    pub number: Number,
    /// Name of the file below `data/`.
    pub key: Box<str>,
    /// How many there are.
    pub length: usize,
}

/// A tensor as a window into a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorWindow {
    /// The storage.
    pub storage: Rc<Storage>,
    /// Numbers before the first one.
    pub offset: usize,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Numbers between neighbours along each axis.
    pub strides: Vec<usize>,
}
