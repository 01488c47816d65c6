//! Reads the pickle inside a file of `torch.save`, as data.
//!
//! Takes the bytes of `data.pkl`; gives names and tensor windows. Understands the opcodes that an ordered dictionary of
//! tensors needs (protocols 2 to 5) and, of the names of classes and functions, those of two calls: an empty ordered
//! dictionary and a tensor from a storage. Everything else is an error with its place; nothing is ever run. Bounded in
//! values, depth and length, so that no file can ask for much more memory than its own size.

use std::collections::HashMap;
use std::rc::Rc;

use super::value::{Number, Storage, TensorWindow, Value};

/// Most opcodes; the largest original checkpoint has about ten thousand.
const MAX_STEPS: usize = 1_000_000;
/// Most values on the stack, and most open marks.
const MAX_STACK: usize = 100_000;
/// Most axes of a tensor.
const MAX_AXES: usize = 8;
/// Most numbers in a storage: 8 GiB of 32-bit floats.
const MAX_NUMBERS: usize = 1 << 31;

/// Why a pickle is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("data.pkl, byte {at}: {what}")]
pub struct PickleError {
    /// Place of the opcode.
    pub at: usize,
    /// What is wrong.
    pub what: Fault,
}

/// What is wrong with a pickle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes end in the middle.
    #[error("it ends too early")]
    Short,
    /// An opcode that a state dictionary does not need.
    #[error("opcode {0:#04x} is not one that a dictionary of tensors needs")]
    Opcode(u8),
    /// A protocol that is not read.
    #[error("pickle protocol {0}; 2 to 5 are read")]
    Protocol(u8),
    /// A class or function that is not allowed.
    #[error("it names {0}, which is not part of a dictionary of tensors; save the state_dict() alone")]
    Global(String),
    /// Something else than what the place needs.
    #[error("{0} was expected here")]
    Expected(&'static str),
    /// Text that is no UTF-8.
    #[error("a name is not UTF-8")]
    Text,
    /// A memo entry that was never written.
    #[error("memo entry {0} does not exist")]
    Memo(u32),
    /// A limit.
    #[error("more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The dictionary has the same name twice.
    #[error("tensor {0} is there twice")]
    Twice(String),
}

/// The tensors of a state dictionary, in its order.
///
/// # Errors
/// [`PickleError`] for anything but a dictionary from names to tensors.
pub fn read_state_dict(bytes: &[u8]) -> Result<Vec<(String, TensorWindow)>, PickleError> {
    let mut machine =
        Machine { bytes, next: 0, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new(), maps: Vec::new() };
    let mut at = 0;
    let root = machine.run(&mut at).and_then(|root| machine.tensors(root));
    root.map_err(|what| PickleError { at, what })
}

struct Machine<'a> {
    bytes: &'a [u8],
    next: usize,
    stack: Vec<Value>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    /// The dictionaries; values hold their places, so that one can be filled after it was stored elsewhere.
    maps: Vec<Vec<(Value, Value)>>,
}

impl<'a> Machine<'a> {
    fn run(&mut self, at: &mut usize) -> Result<Value, Fault> {
        for _ in 0..MAX_STEPS {
            *at = self.next;
            if self.step()? {
                return self.pop();
            }
            if self.stack.len() > MAX_STACK || self.marks.len() > MAX_STACK {
                return Err(Fault::TooMany { what: "values at once", limit: MAX_STACK });
            }
        }
        Err(Fault::TooMany { what: "opcodes", limit: MAX_STEPS })
    }

    /// Does one opcode; `true` at the last.
    fn step(&mut self) -> Result<bool, Fault> {
        let [opcode] = self.take()?;
        match opcode {
            0x80 => {
                let [protocol] = self.take()?;
                if !(2..=5).contains(&protocol) {
                    return Err(Fault::Protocol(protocol));
                }
            }
            // FRAME: a hint about length, of no use to a reader that has all bytes.
            0x95 => drop(self.take::<8>()?),
            b'.' => return Ok(true),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'N' => self.stack.push(Value::None),
            0x88 => self.stack.push(Value::Bool(true)),
            0x89 => self.stack.push(Value::Bool(false)),
            b'K' => self.take::<1>().map(|[byte]| self.stack.push(Value::Integer(byte.into())))?,
            b'M' => self.take().map(|bytes| self.stack.push(Value::Integer(u16::from_le_bytes(bytes).into())))?,
            b'J' => self.take().map(|bytes| self.stack.push(Value::Integer(i32::from_le_bytes(bytes).into())))?,
            0x8a => self.long()?,
            0x8c => {
                let [length] = self.take()?;
                self.text(length.into())?;
            }
            b'X' => {
                let length = u32::from_le_bytes(self.take()?);
                self.text(length as usize)?;
            }
            b'c' => self.global()?,
            0x93 => self.stack_global()?,
            b'q' => self.take::<1>().map(|[slot]| slot.into()).and_then(|slot| self.store(slot))?,
            b'r' => self.take().map(u32::from_le_bytes).and_then(|slot| self.store(slot))?,
            0x94 => self.store(self.memo.len() as u32)?,
            b'h' => self.take::<1>().map(|[slot]| slot.into()).and_then(|slot| self.recall(slot))?,
            b'j' => self.take().map(u32::from_le_bytes).and_then(|slot| self.recall(slot))?,
            b')' => self.stack.push(Value::Tuple(Rc::from([]))),
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b't' => {
                let height = self.mark()?;
                self.tuple(self.stack.len() - height)?;
            }
            b'}' => self.new_map(),
            b's' => {
                let height = self.stack.len().checked_sub(2).ok_or(Fault::Expected("a key and a value"))?;
                self.set_items(height)?;
            }
            b'u' => {
                let height = self.mark()?;
                self.set_items(height)?;
            }
            b'Q' => self.storage()?,
            b'R' => self.call()?,
            b'b' => self.ignore_attributes()?,
            _ => return Err(Fault::Opcode(opcode)),
        }
        Ok(false)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let taken = self.bytes[self.next..].first_chunk().ok_or(Fault::Short)?;
        self.next += N;
        Ok(*taken)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let taken = self.bytes[self.next..].get(..length).ok_or(Fault::Short)?;
        self.next += length;
        Ok(taken)
    }

    fn line(&mut self) -> Result<&'a str, Fault> {
        let length = self.bytes[self.next..].iter().position(|&byte| byte == b'\n').ok_or(Fault::Short)?;
        let line = std::str::from_utf8(self.slice(length + 1)?).map_err(|_| Fault::Text)?;
        Ok(line.trim_end_matches('\n'))
    }

    /// Values below the newest mark are out of reach, as in the real machine.
    fn pop(&mut self) -> Result<Value, Fault> {
        if self.stack.len() <= self.marks.last().copied().unwrap_or(0) {
            return Err(Fault::Expected("a value"));
        }
        self.stack.pop().ok_or(Fault::Expected("a value"))
    }

    fn mark(&mut self) -> Result<usize, Fault> {
        let height = self.marks.pop().ok_or(Fault::Expected("a mark"))?;
        if height > self.stack.len() { Err(Fault::Expected("a mark")) } else { Ok(height) }
    }

    fn text(&mut self, length: usize) -> Result<(), Fault> {
        let text = std::str::from_utf8(self.slice(length)?).map_err(|_| Fault::Text)?;
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    fn long(&mut self) -> Result<(), Fault> {
        let [length] = self.take()?;
        let bytes = self.slice(length.into())?;
        if bytes.len() > 8 {
            return Err(Fault::Expected("an integer of at most 64 bits"));
        }
        let sign = if bytes.last().is_some_and(|&byte| byte >= 0x80) { 0xff } else { 0 };
        let mut whole = [sign; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        self.stack.push(Value::Integer(i64::from_le_bytes(whole)));
        Ok(())
    }

    fn global(&mut self) -> Result<(), Fault> {
        let (module, name) = (self.line()?, self.line()?);
        self.push_global(&format!("{module}.{name}"))
    }

    fn stack_global(&mut self) -> Result<(), Fault> {
        let (Value::Text(name), Value::Text(module)) = (self.pop()?, self.pop()?) else {
            return Err(Fault::Expected("the name of a class"));
        };
        self.push_global(&format!("{module}.{name}"))
    }

    fn push_global(&mut self, name: &str) -> Result<(), Fault> {
        let known =
            matches!(name, "collections.OrderedDict" | "torch._utils._rebuild_tensor_v2") || number(name).is_some();
        if !known {
            return Err(Fault::Global(name.chars().take(100).collect()));
        }
        self.stack.push(Value::Global(name.into()));
        Ok(())
    }

    fn store(&mut self, slot: u32) -> Result<(), Fault> {
        let value = self.pop()?;
        self.stack.push(value.clone());
        self.memo.insert(slot, value);
        Ok(())
    }

    fn recall(&mut self, slot: u32) -> Result<(), Fault> {
        self.stack.push(self.memo.get(&slot).cloned().ok_or(Fault::Memo(slot))?);
        Ok(())
    }

    fn tuple(&mut self, length: usize) -> Result<(), Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let start = self.stack.len().checked_sub(length).filter(|&start| start >= floor);
        let items: Rc<[Value]> = self.stack.drain(start.ok_or(Fault::Expected("a tuple"))?..).collect();
        // One level is all that a tensor's arguments need, and it keeps dropping a value from recursing.
        if items.iter().any(|item| matches!(item, Value::Tuple(inner) if inner.iter().any(is_tuple))) {
            return Err(Fault::Expected("a tuple of at most two levels"));
        }
        self.stack.push(Value::Tuple(items));
        Ok(())
    }

    fn new_map(&mut self) {
        self.stack.push(Value::Dictionary(self.maps.len()));
        self.maps.push(Vec::new());
    }

    /// Moves keys and values above `height` into the dictionary below them.
    fn set_items(&mut self, height: usize) -> Result<(), Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let items = self.stack.split_off(height);
        let Some(Value::Dictionary(place)) = self.stack.last().filter(|_| height > floor) else {
            return Err(Fault::Expected("a dictionary"));
        };
        let (pairs, []) = items.as_chunks::<2>() else { return Err(Fault::Expected("a value for each key")) };
        self.maps[*place].extend(pairs.iter().map(|[key, value]| (key.clone(), value.clone())));
        Ok(())
    }

    /// `("storage", type, key, place, length)` becomes a storage.
    fn storage(&mut self) -> Result<(), Fault> {
        let Value::Tuple(items) = self.pop()? else { return Err(Fault::Expected("the description of a storage")) };
        let [Value::Text(kind), Value::Global(class), Value::Text(key), Value::Text(_), Value::Integer(length)] =
            &*items
        else {
            return Err(Fault::Expected("the description of a storage"));
        };
        let number = number(class).filter(|_| &**kind == "storage").ok_or(Fault::Expected("a storage of numbers"))?;
        let plain =
            !key.is_empty() && key.len() <= 40 && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain {
            return Err(Fault::Expected("a storage's name of letters and digits"));
        }
        let length = size(&Value::Integer(*length))?;
        self.stack.push(Value::Storage(Rc::new(Storage { number, key: (**key).into(), length })));
        Ok(())
    }

    /// The only two calls that a state dictionary makes, done here by hand.
    fn call(&mut self) -> Result<(), Fault> {
        let (Value::Tuple(arguments), Value::Global(name)) = (self.pop()?, self.pop()?) else {
            return Err(Fault::Expected("a call of a known function"));
        };
        match (&*name, &*arguments) {
            ("collections.OrderedDict", []) => self.new_map(),
            ("torch._utils._rebuild_tensor_v2", [Value::Storage(storage), offset, shape, strides, ..]) => {
                let (shape, strides) = (axes(shape)?, axes(strides)?);
                if shape.len() != strides.len() {
                    return Err(Fault::Expected("a stride for each axis"));
                }
                let window = TensorWindow { storage: Rc::clone(storage), offset: size(offset)?, shape, strides };
                self.stack.push(Value::Tensor(Rc::new(window)));
            }
            _ => return Err(Fault::Expected("a call of a known function")),
        }
        Ok(())
    }

    /// BUILD sets attributes, of which a state dictionary has only its version numbers.
    fn ignore_attributes(&mut self) -> Result<(), Fault> {
        match (self.pop()?, self.stack.last()) {
            (Value::Dictionary(_), Some(Value::Dictionary(_))) => Ok(()),
            _ => Err(Fault::Expected("attributes of a dictionary")),
        }
    }

    fn tensors(&self, root: Value) -> Result<Vec<(String, TensorWindow)>, Fault> {
        let Value::Dictionary(place) = root else { return Err(Fault::Expected("a dictionary of tensors at the top")) };
        let mut names = std::collections::HashSet::new();
        let mut tensors = Vec::new();
        for (key, value) in &self.maps[place] {
            let (Value::Text(name), Value::Tensor(window)) = (key, value) else {
                return Err(Fault::Expected("a dictionary from names to tensors at the top"));
            };
            if !names.insert(Rc::clone(name)) {
                return Err(Fault::Twice(name.to_string()));
            }
            tensors.push((name.to_string(), (**window).clone()));
        }
        Ok(tensors)
    }
}

fn is_tuple(value: &Value) -> bool {
    matches!(value, Value::Tuple(items) if !items.is_empty())
}

fn number(class: &str) -> Option<Number> {
    match class {
        "torch.FloatStorage" => Some(Number::Float),
        "torch.DoubleStorage" => Some(Number::Double),
        "torch.HalfStorage" => Some(Number::Half),
        "torch.BFloat16Storage" => Some(Number::BFloat16),
        "torch.LongStorage" => Some(Number::Long),
        _ => None,
    }
}

fn size(value: &Value) -> Result<usize, Fault> {
    let Value::Integer(integer) = value else { return Err(Fault::Expected("a length")) };
    let size = usize::try_from(*integer).map_err(|_| Fault::Expected("a length of at least 0"))?;
    if size > MAX_NUMBERS { Err(Fault::TooMany { what: "numbers", limit: MAX_NUMBERS }) } else { Ok(size) }
}

fn axes(value: &Value) -> Result<Vec<usize>, Fault> {
    let Value::Tuple(items) = value else { return Err(Fault::Expected("a tuple of lengths")) };
    if items.len() > MAX_AXES {
        return Err(Fault::TooMany { what: "axes", limit: MAX_AXES });
    }
    items.iter().map(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8]) -> Fault {
        read_state_dict(bytes).unwrap_err().what
    }

    #[test]
    fn what_would_run_code_is_refused_by_name() {
        let malicious = b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.";
        assert_eq!(fault(malicious), Fault::Global("posix.system".into()));
        assert_eq!(fault(b"\x80\x02cbuiltins\neval\n."), Fault::Global("builtins.eval".into()));
        assert_eq!(fault(b"\x80\x02ctorch\nFloatStorage\n)R."), Fault::Expected("a call of a known function"));
    }

    #[test]
    fn each_kind_of_nonsense_has_its_error() {
        assert_eq!(fault(b""), Fault::Short);
        assert_eq!(fault(b"\x80\x01."), Fault::Protocol(1));
        assert_eq!(fault(b"\x80\x02i"), Fault::Opcode(b'i'));
        assert_eq!(fault(b"\x80\x02h\x05."), Fault::Memo(5));
        assert_eq!(fault(b"\x80\x02t"), Fault::Expected("a mark"));
        assert_eq!(fault(b"\x80\x02K\x01."), Fault::Expected("a dictionary of tensors at the top"));
        assert_eq!(fault(b"\x80\x02}K\x01K\x01s."), Fault::Expected("a dictionary from names to tensors at the top"));
        assert_eq!(fault(&b"(".repeat(MAX_STACK + 2)), Fault::TooMany { what: "values at once", limit: MAX_STACK });
    }

    #[test]
    fn values_below_a_mark_are_out_of_reach() {
        assert_eq!(fault(b"\x80\x02}(0."), Fault::Expected("a value"));
        assert_eq!(fault(b"\x80\x02K\x01(K\x02\x86."), Fault::Expected("a tuple"));
    }

    #[test]
    fn an_empty_dictionary_has_no_tensors() {
        assert_eq!(read_state_dict(b"\x80\x02ccollections\nOrderedDict\n)R."), Ok(Vec::new()));
    }

    #[test]
    fn nested_tuples_end_at_two_levels() {
        let mut deep = b"\x80\x02K\x01".to_vec();
        deep.extend(b"\x85".repeat(10_000));
        assert_eq!(fault(&deep), Fault::Expected("a tuple of at most two levels"));
    }
}
