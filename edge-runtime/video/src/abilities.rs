//! Asks an open node for its formats, sizes, rates and controls.
//!
//! Every list is bounded here, since it is the driver that ends it. Nothing is set.

use std::io;

use v4l::v4l_sys as sys;

use crate::control::name_of;
use crate::encoding::{FourCc, Interval};
use crate::info::{ControlInfo, ControlKind, FormatInfo, Intervals, SizeInfo, Sizes};
use crate::ioctl::{self, blank, text};
use crate::node::{CAPTURE, Node};

/// Entries of one list that are looked at: no camera has as many formats, sizes, rates or controls. A driver that never
/// ends its list is cut off.
const MAX_ENTRIES: u32 = 256;

pub(crate) fn formats(node: &Node) -> io::Result<Vec<FormatInfo>> {
    entries(|index| {
        let entry = sys::v4l2_fmtdesc { index, type_: CAPTURE, ..blank() };
        let Some(entry) = node.ask_entry(&ioctl::FORMATS, entry)? else { return Ok(None) };
        let fourcc = FourCc(entry.pixelformat);
        Ok(Some(FormatInfo { fourcc, description: text(&entry.description), sizes: sizes(node, fourcc)? }))
    })
}

fn sizes(node: &Node, fourcc: FourCc) -> io::Result<Vec<SizeInfo>> {
    entries(|index| {
        let entry = sys::v4l2_frmsizeenum { index, pixel_format: fourcc.0, ..blank() };
        let Some(entry) = node.ask_entry(&ioctl::SIZES, entry)? else { return Ok(None) };
        let range = ioctl::size(&entry);
        let (least, most) = ((range.min_width, range.min_height), (range.max_width, range.max_height));
        let sizes = if entry.type_ == sys::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE {
            Sizes::One(most.0, most.1)
        } else {
            Sizes::Range(least, most, (range.step_width.max(1), range.step_height.max(1)))
        };
        Ok(Some(SizeInfo { sizes, intervals: intervals(node, fourcc, most)? }))
    })
}

fn intervals(node: &Node, fourcc: FourCc, (width, height): (u32, u32)) -> io::Result<Intervals> {
    let mut range = None;
    let each = entries(|index| {
        let entry = sys::v4l2_frmivalenum { index, pixel_format: fourcc.0, width, height, ..blank() };
        let Some(entry) = node.ask_entry(&ioctl::INTERVALS, entry)? else { return Ok(None) };
        let (shortest, longest) = ioctl::interval(&entry);
        let of = |fraction: sys::v4l2_fract| Interval::new(fraction.numerator, fraction.denominator);
        if entry.type_ != sys::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE {
            range = of(shortest).zip(of(longest));
            return Ok(None);
        }
        Ok(Some(of(shortest)))
    })?;
    Ok(range.map_or(Intervals::Each(each.into_iter().flatten().collect()), |(a, b)| Intervals::Range(a, b)))
}

pub(crate) fn controls(node: &Node) -> io::Result<Vec<ControlInfo>> {
    let mut last = 0;
    let all = entries(|_| {
        let entry = sys::v4l2_query_ext_ctrl { id: last | sys::V4L2_CTRL_FLAG_NEXT_CTRL, ..blank() };
        let Some(entry) = node.ask_entry(&ioctl::CONTROLS, entry)? else { return Ok(None) };
        last = entry.id;
        control(node, &entry).map(Some)
    })?;
    Ok(all.into_iter().flatten().collect())
}

/// A control as its driver describes it; nothing for headings and for what is switched off.
fn control(node: &Node, entry: &sys::v4l2_query_ext_ctrl) -> io::Result<Option<ControlInfo>> {
    let has = |flag: u32| entry.flags & flag != 0;
    let kind = match entry.type_ {
        sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_CTRL_CLASS => return Ok(None),
        _ if has(sys::V4L2_CTRL_FLAG_DISABLED) => return Ok(None),
        sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_INTEGER => ControlKind::Amount,
        sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_BOOLEAN => ControlKind::Switch,
        sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_MENU => ControlKind::Menu(menu(node, entry, false)?),
        sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_INTEGER_MENU => ControlKind::Menu(menu(node, entry, true)?),
        sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_BUTTON => ControlKind::Button,
        _ => ControlKind::Beyond,
    };
    let readable = !matches!(kind, ControlKind::Button | ControlKind::Beyond) && !has(sys::V4L2_CTRL_FLAG_WRITE_ONLY);
    // A value that cannot be read just now, as of a sensor that sleeps, is unknown; the control is there all the same.
    let value = if readable { node.control(entry.id).ok() } else { None };
    let label = text(&entry.name.map(|letter| letter as u8));
    Ok(Some(ControlInfo {
        id: entry.id,
        name: name_of(entry.id, &label),
        label,
        kind,
        minimum: entry.minimum,
        maximum: entry.maximum,
        step: entry.step,
        default: entry.default_value,
        value,
        inactive: has(sys::V4L2_CTRL_FLAG_INACTIVE),
        read_only: has(sys::V4L2_CTRL_FLAG_READ_ONLY),
    }))
}

/// The entries of a menu; menus may have gaps.
fn menu(node: &Node, entry: &sys::v4l2_query_ext_ctrl, numbers: bool) -> io::Result<Vec<(i64, String)>> {
    let mut entries = Vec::new();
    for index in entry.minimum.max(0)..=entry.maximum.min(entry.minimum.saturating_add(i64::from(MAX_ENTRIES))) {
        let Ok(number) = u32::try_from(index) else { break };
        let question = sys::v4l2_querymenu { id: entry.id, index: number, ..blank() };
        if let Some(answer) = node.ask_entry(&ioctl::MENU, question)? {
            entries.push((index, ioctl::menu_label(&answer, numbers)));
        }
    }
    Ok(entries)
}

/// Collects a list's entries until it ends.
fn entries<T>(mut entry: impl FnMut(u32) -> io::Result<Option<T>>) -> io::Result<Vec<T>> {
    let mut all = Vec::new();
    for index in 0..MAX_ENTRIES {
        match entry(index)? {
            Some(one) => all.push(one),
            None => break,
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_never_ends_is_cut_off() {
        assert_eq!(entries(|index| Ok(Some(index))).unwrap().len(), 256);
        assert_eq!(entries(|index| Ok((index < 3).then_some(index))).unwrap(), [0, 1, 2]);
        assert!(entries(|_| Err::<Option<()>, _>(io::Error::from(io::ErrorKind::BrokenPipe))).is_err());
    }
}
