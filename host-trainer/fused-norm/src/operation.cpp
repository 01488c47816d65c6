// What torch offers to C++ alone: an operation with a gradient of its own, and its crew of threads. No arithmetic: that is in Rust.

#include <ATen/ATen.h>
#include <ATen/TensorIterator.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cstdint>
#include <cstring>
#include <exception>

namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// As `Layout` in layout.rs.
struct Layout {
  int64_t pixels;
  int64_t channels;
  bool halves;
};

// As `Forward` and `Backward` there.
struct Forward {
  const void *input;
  void *output;
  const float *gamma, *beta;
  float *running_mean, *running_variance;
  float *mean, *inverse;
  double epsilon, momentum;
};

struct Backward {
  const void *input, *slopes;
  void *into;
  const float *gamma, *beta, *mean, *inverse;
  float *gamma_slopes, *beta_slopes;
};

} // namespace

// In Rust. They do not throw.
extern "C" void fused_norm_run_forward(const Layout *, const Forward *);
extern "C" void fused_norm_run_backward(const Layout *, const Backward *);

namespace {

Layout layout(const Tensor &input) {
  return {input.size(0) * input.size(2) * input.size(3), input.size(1), input.scalar_type() == at::kBFloat16};
}

struct Operation : torch::autograd::Function<Operation> {
  static Tensor forward(AutogradContext *context, const Tensor &input, const Tensor &gamma, const Tensor &beta,
                        const Tensor &running_mean, const Tensor &running_variance, double momentum, double epsilon) {
    auto output = at::empty_like(input);
    auto moments = at::empty({2, input.size(1)}, gamma.options());
    auto mean = moments.data_ptr<float>();
    auto layout_ = layout(input);
    Forward pass{input.const_data_ptr(), output.data_ptr(), gamma.const_data_ptr<float>(),
                 beta.const_data_ptr<float>(), running_mean.data_ptr<float>(), running_variance.data_ptr<float>(),
                 mean, mean + input.size(1), epsilon, momentum};
    fused_norm_run_forward(&layout_, &pass);
    context->save_for_backward({input, gamma, beta, moments});
    return output;
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    TORCH_CHECK(!at::GradMode::is_enabled(), "batch norm with ReLU in one has no second derivative");
    auto saved = context->get_saved_variables();
    const auto &input = saved[0], &gamma = saved[1], &beta = saved[2], &moments = saved[3];
    auto slopes = gradients[0].to(input.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    auto into = at::empty_like(input);
    auto gamma_slopes = at::empty_like(gamma), beta_slopes = at::empty_like(beta);
    auto mean = moments.const_data_ptr<float>();
    auto layout_ = layout(input);
    Backward pass{input.const_data_ptr(), slopes.const_data_ptr(), into.data_ptr(), gamma.const_data_ptr<float>(),
                  beta.const_data_ptr<float>(), mean, mean + input.size(1), gamma_slopes.data_ptr<float>(),
                  beta_slopes.data_ptr<float>()};
    fused_norm_run_backward(&layout_, &pass);
    return {into, gamma_slopes, beta_slopes, Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

} // namespace

// The operation's output; null after an error, whose words then are in `words`.
extern "C" Tensor *fused_norm_apply(const Tensor *input, const Tensor *gamma, const Tensor *beta,
                                    const Tensor *running_mean, const Tensor *running_variance, double momentum,
                                    double epsilon, char *words, size_t room) {
  try {
    return new Tensor(Operation::apply(*input, *gamma, *beta, *running_mean, *running_variance, momentum, epsilon));
  } catch (const std::exception &error) {
    std::strncpy(words, error.what(), room - 1);
    words[room - 1] = 0;
  } catch (...) {
    std::strncpy(words, "an exception of another kind", room);
  }
  return nullptr;
}

// Calls `work(context, 0)` .. `work(context, jobs - 1)`, each once, on torch's own threads: others would have to share the cores with
// them, since they wait for work without sleeping. Torch's loops over threads are compiled into its library only within iterators
// over tensors, so the jobs are the elements of one. An exception may not pass through Rust, which calls this.
extern "C" void fused_norm_in_parallel(int64_t jobs, void (*work)(void *, int64_t), void *context) noexcept {
  auto marks = at::empty({jobs}, at::kByte);
  auto first = static_cast<char *>(marks.data_ptr());
  auto iterator = at::TensorIterator::nullary_op(marks);
  iterator.for_each(
      [=](char **data, const int64_t *, int64_t count) {
        for (auto job = data[0] - first; count > 0; ++job, --count) work(context, job);
      },
      1);
}
