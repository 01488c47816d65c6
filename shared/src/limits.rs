//! Every capacity and every size limit, with its arithmetic and what happens beyond it.

/// Parts between trigger and gate. A part every 50 mm over a 3 m stretch is 60. Beyond it the part is rejected blind and
/// recorded as `Overflow`.
pub const MAX_PARTS_IN_FLIGHT: usize = 64;

/// Shots that wait for the network. One is in work, one more may wait: a third would be late anyway. The part of a shot
/// that finds no place is `Uninspected(InferBusy)`.
pub const SHOT_QUEUE: usize = 2;

/// Widest and highest camera frame or photograph, in pixels. Sets the size of the row buffers in preprocessing.
pub const MAX_FRAME_SIDE: usize = 8192;

/// Widest and highest network input, in pixels.
pub const MAX_INPUT_SIDE: usize = 1024;

/// Smallest network input, in pixels: five halvings must leave one pixel.
pub const MIN_INPUT_SIDE: usize = 32;

/// The networks halve five times, so that both sides of the input are multiples of this.
pub const INPUT_MULTIPLE: usize = 32;

/// Scores of held-out good parts that a manifest may hold: a target of 0.1 percent needs 1,000, and 3,000 bound it well.
pub const MAX_GOOD_SCORES: usize = 4096;

/// Stored inputs with their expected scores in a bundle. Four show that a board computes what the trainer did.
pub const MAX_PARITY_VECTORS: usize = 16;

/// Encoded manifest in bytes: for each of two models 4 per good score and at most 3 for its part's number, 4 for each of three
/// times sixteen parity scores, and under 1 KiB for everything else.
pub const MAX_MANIFEST_BYTES: usize = 60 * 1024;

/// Model in a bundle, in bytes. The paper's networks take 390 MB in float.
pub const MAX_MODEL_BYTES: usize = 512 * 1024 * 1024;

/// Parity inputs in a bundle, in bytes: sixteen of the largest input.
pub const MAX_PARITY_BYTES: usize = MAX_PARITY_VECTORS * MAX_INPUT_SIDE * MAX_INPUT_SIDE * 3;

/// Encoded record in bytes, with room for later fields.
pub const MAX_RECORD_BYTES: usize = 128;

/// Records that wait for the disk. At ten parts a second a disk may hang for 25 seconds. A record that finds no place is
/// refused, and the line must stop.
pub const RECORD_QUEUE: usize = 256;

/// Parts whose pictures wait to be encoded and written. Each holds its frame, at most 2 MB of a 720p camera, so that they take 32
/// MB. A picture that finds no place is counted as lost; its record is kept.
pub const PICTURE_QUEUE: usize = 16;

/// Records that share one write to the disk: a quarter of the queue, so that what has been written makes room early.
pub const COMMIT_BATCH: usize = RECORD_QUEUE / 4;

/// Pictures, or records, that are deleted between two writes at most: as many as a write can have brought.
pub const SWEEP_BATCH: usize = COMMIT_BATCH;

/// Words of the gate, pictures and verdicts that wait for the desk. A part takes some ten of them, so that the desk may hang for
/// as many parts as can be in flight, and then some. Beyond it the gate ends the station: parts would go unrecorded.
pub const DESK_QUEUE: usize = 1024;

/// Parts that wait to be told to the plant's process. At ten parts a second its thread may hang for 25 seconds. Beyond it parts are not
/// told and counted; their records are kept as ever.
pub const PLANT_QUEUE: usize = 256;

/// Orders that wait for the gate: one for each part in flight, and those that say how the line stands. Beyond it the gate hangs.
pub const ORDER_QUEUE: usize = 256;

/// Pictures of a camera that wait for the desk. Beyond it the newest is dropped and counted; its part has none.
pub const CAMERA_QUEUE: usize = 8;
