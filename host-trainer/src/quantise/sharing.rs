//! Which values between layers must have one scale.
//!
//! Pooling and up-sampling give values within the range of what they read, and a concatenation holds two values side by
//! side: with one scale for all of these, pooling and concatenation are exact on bytes and cost nothing. Reads the list of
//! layers alone.

use crate::export::graph::{Layer, Op, Source};

/// What decides the scale of a group of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    /// The picture's own scale: the picture, its reconstruction, and both side by side.
    Picture,
    /// The values of these layers, by their places in the list: convolutions with a ReLU.
    Observed(Vec<usize>),
    /// None: the heatmap stays a float, so that two parts do not tie.
    Float,
}

/// For each layer the number of its group, and the groups.
pub fn groups(layers: &[Layer]) -> (Vec<usize>, Vec<Group>) {
    // Each layer's group; the first is the picture's.
    let mut of: Vec<usize> = Vec::with_capacity(layers.len());
    let mut groups = vec![Group::Picture];
    for (at, layer) in layers.iter().enumerate() {
        let read: Vec<usize> = layer
            .inputs
            .iter()
            .map(|source| match source {
                Source::Image => 0,
                Source::Layer(index) => of[*index],
            })
            .collect();
        let group = match &layer.op {
            Op::Conv => 0,
            Op::ConvNormRelu { .. } => push(&mut groups, Group::Observed(vec![at])),
            Op::TwoClassHead => push(&mut groups, Group::Float),
            Op::MaxPool | Op::Upsample => read[0],
            Op::Concat => {
                let (kept, joined) = (read[0].min(read[1]), read[0].max(read[1]));
                if kept != joined {
                    if let Group::Observed(more) = std::mem::replace(&mut groups[joined], Group::Observed(Vec::new()))
                        && let Group::Observed(members) = &mut groups[kept]
                    {
                        members.extend(more);
                    }
                    of.iter_mut().filter(|group| **group == joined).for_each(|group| *group = kept);
                }
                kept
            }
        };
        of.push(group);
    }
    (of, groups)
}

fn push(groups: &mut Vec<Group>, group: Group) -> usize {
    groups.push(group);
    groups.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Architecture;
    use crate::export::graph::layers;

    fn group_of(name: &str) -> (usize, Group) {
        group_in(Architecture::Original, name)
    }

    fn group_in(architecture: Architecture, name: &str) -> (usize, Group) {
        let list = layers(architecture);
        let (of, groups) = groups(&list);
        let at = list.iter().position(|layer| layer.name == name).unwrap();
        (of[at], groups[of[at]].clone())
    }

    #[test]
    fn what_is_concatenated_shares_its_scale_with_what_it_is_pooled_to() {
        let same = ["seg.encoder_segment.block3.3", "seg.encoder_segment.block3.pool", "seg.decoder_segment.up2.1"];
        let (first, members) = group_of(same[0]);
        assert!(same.iter().all(|name| group_of(name).0 == first));
        assert!(matches!(members, Group::Observed(members) if members.len() == 2));
        assert_ne!(group_of("seg.encoder_segment.block2.3").0, first);
    }

    #[test]
    fn both_ends_of_a_bridge_share_a_scale() {
        let ends = ["recon.encoder.block3.3", "recon.decoder.up2.1"];
        let [from, to] = ends.map(|name| group_in(Architecture::Bridged, name).0);
        assert_eq!(from, to);
        let [from, to] = ends.map(|name| group_in(Architecture::Original, name).0);
        assert_ne!(from, to);
    }

    #[test]
    fn picture_and_reconstruction_have_the_cameras_scale() {
        assert_eq!(group_of("recon.decoder.fin_out.0"), (0, Group::Picture));
        assert_eq!(group_of("seg.input"), (0, Group::Picture));
        assert_eq!(group_of("seg.decoder_segment.fin_out.0").1, Group::Float);
    }
}
