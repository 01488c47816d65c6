//! The training loop.
//!
//! Takes a configuration, samples by index, and a flag that asks it to stop; gives the averaged weights and the curve.
//! One path for CPU and CUDA. Nothing waits for the device between two looks at the losses.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use tch::{Cuda, Device, Tensor};

use super::adam::Recipe;
use super::checkpoint::{Checkpoint, CheckpointError, CurveRow, FILE_NAME, Facts};
use super::config::TrainConfig;
use super::ema::Ema;
use super::error::TrainError;
use super::journal::Journal;
use super::prefetch::{AHEAD, HostBatch, Source, feed};
use super::schedule::learning_rate;
use super::step::Stepper;
use crate::device::DeviceChoice;
use crate::export::TensorMap;
use crate::net::weights::values;
use crate::net::{Arithmetic, Weights, initial};

/// The curve has about this many points, and more where steps would otherwise be too far apart.
const CURVE_POINTS: u64 = 200;
/// Most steps between two looks at the losses, so that a run that went wrong is noticed.
const MAX_STEPS_UNSEEN: u64 = 50;

/// What a run gave.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The running average of the weights.
    pub weights: TensorMap,
    /// The losses, those before a resumption included.
    pub curve: Vec<CurveRow>,
    /// Seconds of all steps, those before a resumption included.
    pub seconds: f64,
    /// Pictures a second in this run; 0 if it had no step to do.
    pub images_per_second: f64,
    /// Steps done, those before a resumption included.
    pub steps_done: u64,
    /// Whether it was asked to stop before its last step.
    pub stopped_early: bool,
    /// The processor, as `cpu` or `cuda:N`.
    pub device: String,
    /// The arithmetic of the activations, `f32` or `bf16`.
    pub precision: String,
}

/// Trains. With a work folder a checkpoint is kept there; raising `stop` ends the run after the step at hand, with a
/// checkpoint. A resumed run gives what it would have given without the break.
///
/// # Errors
/// Every variant of [`TrainError`]; the last checkpoint stays as it is.
pub fn train(config: &TrainConfig, samples: &Source<'_>, stop: &AtomicBool) -> Result<Trained, TrainError> {
    config.check()?;
    let device = device(config.device)?;
    if device.is_cuda() {
        // All batches have one shape, so the search for the fastest kernels is made once.
        Cuda::cudnn_set_benchmark(true);
    }
    let mut run = Run::start(config, device)?;
    let (out, batches) = sync_channel(AHEAD);
    let steps = run.stepper.steps()..config.steps;
    std::thread::scope(|scope| {
        scope.spawn(move || feed(samples, steps, config, &out));
        // The receiver moves in, so that a run that ends early also ends the feeding thread.
        run.go(batches, stop)
    })
}

/// The device of this choice.
///
/// # Errors
/// [`TrainError::NoCuda`].
pub(crate) fn device(choice: DeviceChoice) -> Result<Device, TrainError> {
    let found = if Cuda::is_available() { Cuda::device_count().max(0) as usize } else { 0 };
    match choice {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Auto => Ok(if found > 0 { Device::Cuda(0) } else { Device::Cpu }),
        DeviceChoice::Cuda(asked) if asked < found => Ok(Device::Cuda(asked)),
        DeviceChoice::Cuda(asked) => Err(TrainError::NoCuda { asked, found }),
    }
}

/// A run between two steps.
struct Run<'a> {
    config: &'a TrainConfig,
    checkpoint: Option<PathBuf>,
    arithmetic: Arithmetic,
    stepper: Stepper,
    ema: Ema,
    curve: Vec<CurveRow>,
    seconds_before: f64,
    /// Width and height of the pictures that the stepper is ready for.
    size: (usize, usize),
    /// Learnt from in this run.
    pictures: u64,
    journal: Journal,
}

impl<'a> Run<'a> {
    /// Fresh, or from the checkpoint.
    fn start(config: &'a TrainConfig, device: Device) -> Result<Self, TrainError> {
        let path = config.work_dir.as_ref().map(|folder| folder.join(FILE_NAME));
        let saved = match &path {
            Some(path) if config.resume => Some(Checkpoint::read(path)?),
            _ => None,
        };
        let arithmetic = Arithmetic::choose(config.precision, device);
        let fresh = |weights| Stepper::new(weights, config.size, arithmetic, Recipe::FAST).and_then(Stepper::with_muon);
        let (stepper, ema, curve, seconds_before) = match (&path, saved) {
            (Some(path), Some(saved)) => {
                same_run(path, config, &saved.facts)?;
                let mut stepper = fresh(Weights::load(&saved.weights, config.networks, device)?)?;
                let count = stepper.weights().trained().numel();
                let vector = |name: &str, values: &[f32]| {
                    if values.len() == count {
                        return Ok(Tensor::f_from_slice(values)?.f_to(device)?);
                    }
                    let what = "it has not one value for each trained weight";
                    Err(TrainError::from(CheckpointError::Tensor { path: path.clone(), name: name.into(), what }))
                };
                let (mean, square) = (vector("adam.mean", &saved.mean)?, vector("adam.square", &saved.square)?);
                stepper.restore(&mean, &square, saved.facts.steps_done)?;
                let ema = Ema::new(&Weights::load(&saved.average, config.networks, device)?)?;
                (stepper, ema, saved.facts.curve, saved.facts.seconds)
            }
            _ => {
                let stepper = fresh(Weights::load(&initial(config.networks, config.seed), config.networks, device)?)?;
                let ema = Ema::new(stepper.weights())?;
                (stepper, ema, Vec::new(), 0.0)
            }
        };
        let first_step = stepper.steps();
        let journal = Journal::start(first_step, config.steps.max(first_step));
        let (size, pictures) = (config.size, 0);
        Ok(Self { config, checkpoint: path, arithmetic, stepper, ema, curve, seconds_before, size, pictures, journal })
    }

    fn go(
        &mut self,
        batches: Receiver<Result<HostBatch, TrainError>>,
        stop: &AtomicBool,
    ) -> Result<Trained, TrainError> {
        let steps = self.config.steps;
        let look_every = (steps / CURVE_POINTS).clamp(1, MAX_STEPS_UNSEEN);
        while self.stepper.steps() < steps && !stop.load(Ordering::SeqCst) {
            let step = self.stepper.steps();
            let lesson = self.config.lesson(step);
            if lesson.size != self.size {
                self.size = lesson.size;
                self.stepper.resize(lesson.size)?;
            }
            let batch = batches.recv().map_err(|_| TrainError::NoSamples { step })??;
            let batch = batch.upload(self.stepper.device())?;
            self.stepper.step(&batch, learning_rate(step, steps, self.config.learning_rate))?;
            self.pictures += lesson.batch as u64;
            let done = self.stepper.steps();
            self.ema.update(self.stepper.weights(), done)?;
            if done.is_multiple_of(look_every) {
                self.look()?;
            }
            if done.is_multiple_of(self.config.checkpoint_every) && done < steps {
                self.save()?;
            }
            self.journal.step(done);
        }
        self.save()?;
        self.journal.finish();
        self.result()
    }

    /// Reads the losses and adds a point to the curve; `Err` if they are not finite.
    fn look(&mut self) -> Result<(), TrainError> {
        let Some([l2, ssim, focal, total]) = self.stepper.take_losses()? else { return Ok(()) };
        let step = self.stepper.steps();
        let lr = learning_rate(step - 1, self.config.steps, self.config.learning_rate);
        if !total.is_finite() {
            return Err(TrainError::NotFinite { step, l2, ssim, focal, learning_rate: self.config.learning_rate });
        }
        let row = CurveRow { step, l2, ssim, focal, total, lr };
        self.curve.push(row);
        self.journal.row(row);
        Ok(())
    }

    /// Writes the checkpoint, if there is a folder for it. The losses are looked at first: what is not finite is not saved.
    fn save(&mut self) -> Result<(), TrainError> {
        self.look()?;
        let Some(path) = &self.checkpoint else { return Ok(()) };
        let weights = self.stepper.weights();
        let (trained, statistics) = self.ema.averages();
        let (mean, square) = self.stepper.averages();
        let TrainConfig { networks, size, batch, seed, learning_rate, .. } = *self.config;
        let facts = Facts {
            version: Facts::VERSION,
            networks: networks.to_string(),
            size: [size.0, size.1],
            batch,
            seed,
            learning_rate,
            samples: self.config.samples.clone(),
            steps_done: self.stepper.steps(),
            seconds: self.seconds_before + self.journal.seconds(),
            curve: self.curve.clone(),
        };
        let checkpoint = Checkpoint {
            facts,
            weights: weights.to_map()?,
            average: weights.map_of(trained, statistics)?,
            mean: values(mean)?,
            square: values(square)?,
        };
        Ok(checkpoint.write(path)?)
    }

    fn result(&self) -> Result<Trained, TrainError> {
        let (trained, statistics) = self.ema.averages();
        let weights = self.stepper.weights().map_of(trained, statistics)?;
        let (steps_done, seconds) = (self.stepper.steps(), self.journal.seconds());
        let pictures = self.pictures as f64;
        Ok(Trained {
            weights,
            curve: self.curve.clone(),
            seconds: self.seconds_before + seconds,
            images_per_second: if pictures > 0.0 && seconds > 0.0 { pictures / seconds } else { 0.0 },
            steps_done,
            stopped_early: steps_done < self.config.steps,
            device: match self.stepper.device() {
                Device::Cuda(number) => format!("cuda:{number}"),
                _ => "cpu".to_owned(),
            },
            precision: self.arithmetic.name().to_owned(),
        })
    }
}

/// Refuses a checkpoint whose continuation would not be this run. Another number of steps is allowed: it changes the
/// schedule from here on, and the number already done exports what there is.
fn same_run(path: &Path, config: &TrainConfig, saved: &Facts) -> Result<(), TrainError> {
    let text = |values: &dyn std::fmt::Debug| format!("{values:?}");
    let (networks, size) = (config.networks.to_string(), [config.size.0, config.size.1]);
    // JSON may round the last bit of a rate.
    let same_rate = (saved.learning_rate - config.learning_rate).abs() <= 1e-9 * config.learning_rate;
    let fields = [
        ("networks", saved.networks == networks, saved.networks.clone(), networks.clone()),
        ("size", saved.size == size, text(&saved.size), text(&size)),
        ("batch", saved.batch == config.batch, text(&saved.batch), text(&config.batch)),
        ("seed", saved.seed == config.seed, text(&saved.seed), text(&config.seed)),
        ("samples", saved.samples == config.samples, text(&saved.samples), text(&config.samples)),
        ("learning_rate", same_rate, text(&saved.learning_rate), text(&config.learning_rate)),
    ];
    match fields.into_iter().find(|(_, same, ..)| !same) {
        Some((field, _, saved, asked)) => Err(TrainError::Differs { path: path.to_owned(), field, saved, asked }),
        None => Ok(()),
    }
}
