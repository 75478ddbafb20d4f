// The edges of a CGCNN convolution, one by one, forward and backward (see edge.py for the same in JAX).
//
// Every edge has z = a[centre] + b[neighbour] + g(length) W, in 2 F columns: gate, then core. Nothing of the
// size of all edges is ever stored: computing z again takes about 60 vector instructions, less than reading
// it back from memory, so the forward pass does it twice (statistics, messages) and the backward pass once.
// Only the 8 Gaussians nearest to a bond length enter; the others are below exp(-16) = 1e-7.
//
// Sums over many edges are kept in float32 for a block of edges and in float64 over blocks. One thread, one
// order of summation: results are the same on every run. The loops run over columns, so that they vectorise
// without permission to reorder sums.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "xla/ffi/api/ffi.h"

namespace {

namespace ffi = xla::ffi;

constexpr int F = 64;          // features of a node
constexpr int Z = 2 * F;       // columns of z
constexpr int NEAR = 8;        // Gaussians of one bond
constexpr int BLOCK = 32;      // edges whose columns are summed in float32
constexpr int BLOCKS = 16;     // blocks whose gradients of the bond weights, a larger table, are
constexpr float EPSILON = 1e-5f;

using Floats = ffi::Buffer<ffi::F32>;
using Ints = ffi::Buffer<ffi::S32>;
using FloatsOut = ffi::Result<Floats>;
using IntsOut = ffi::Result<Ints>;

// One number for each column of z.
struct alignas(64) Columns {
  float at[Z] = {};

  Columns() = default;
  explicit Columns(const Floats& values) { std::copy_n(values.typed_data(), Z, at); }
};

// exp(x) for x <= 0, about 1 ulp (Cephes' polynomial). Adding 1.5 x 2^23 rounds to an integer and leaves it
// in the low bits, from where a shift takes it to the exponent. Below -86 the result would be subnormal.
inline float exp_of_negative(float x) {
  constexpr float round = 12582912.f;
  x = x < -86.f ? -86.f : x;
  const float shifted = x * 1.44269504f + round;
  const float n = shifted - round;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.f;
  std::uint32_t bits, exponent;
  std::memcpy(&bits, &p, sizeof bits);
  std::memcpy(&exponent, &shifted, sizeof exponent);
  bits += exponent << 23;
  std::memcpy(&p, &bits, sizeof p);
  return p;
}

struct Gated {
  float opened;  // sigmoid(gate)
  float closed;  // 1 - sigmoid(gate)
  float soft;    // softplus(core)
  float slope;   // its derivative, sigmoid(core)
};

// All four quotients share one division, the slowest instruction here.
inline Gated gated(float gate, float core) {
  const float u = exp_of_negative(-std::fabs(gate)), v = exp_of_negative(-std::fabs(core));
  const float u1 = 1.f + u, v1 = 1.f + v, v2 = 2.f + v;
  const float inverse = 1.f / (u1 * v1 * v2);
  const float over_u1 = v1 * v2 * inverse, over_v1 = u1 * v2 * inverse, over_v2 = u1 * v1 * inverse;
  // log(1 + v) = 2 artanh(v / (2 + v))
  const float s = v * over_v2, t = s * s;
  float p = 2.f / 13;
  p = p * t + 2.f / 11;
  p = p * t + 2.f / 9;
  p = p * t + 2.f / 7;
  p = p * t + 2.f / 5;
  p = p * t + 2.f / 3;
  p = p * t + 2.f;
  return {(gate < 0 ? u : 1.f) * over_u1, (gate < 0 ? 1.f : u) * over_u1, p * s + (core < 0 ? 0.f : core),
          (core < 0 ? v : 1.f) * over_v1};
}

// The edges of a batch, without the padding at their end.
struct Edges {
  const std::int32_t *centre, *neighbour, *bond;
  const float *weight, *total_weight;
  std::size_t size;

  Edges(const Ints& centre, const Ints& neighbour, const Ints& bond, const Floats& weight,
        const Floats& total_weight)
      : centre(centre.typed_data()),
        neighbour(neighbour.typed_data()),
        bond(bond.typed_data()),
        weight(weight.typed_data()),
        total_weight(total_weight.typed_data()),
        size(centre.element_count()) {
    while (size > 0 && this->weight[size - 1] == 0 && this->total_weight[size - 1] == 0) --size;
  }

  double total() const {
    double sum = 0;
    for (std::size_t e = 0; e < size; ++e) sum += total_weight[e];
    return std::max(sum, 1.0);
  }
};

// What z is made of.
struct Parts {
  const float* nodes;         // (C, 2 Z): a, b
  const float* bond;          // (number of Gaussians, Z)
  const std::int32_t* first;  // (U,) the first Gaussian of each length
  const float* near;          // (U, NEAR) the values of Gaussians first, first + 1, ...
};

// z of one edge after the other. The bond's part is kept for as long as the bond stays the same: always in
// complete graphs (composition), rarely in crystals.
class Walk {
 public:
  Walk(const Parts& parts, const Edges& edges) : parts_(parts), edges_(edges) {}

  void go_to(std::size_t e) {
    a_ = parts_.nodes + std::size_t(edges_.centre[e]) * 2 * Z;
    b_ = parts_.nodes + std::size_t(edges_.neighbour[e]) * 2 * Z + Z;
    if (edges_.bond[e] == bond_) return;
    bond_ = edges_.bond[e];
    const float* g = parts_.near + std::size_t(bond_) * NEAR;
    const float* w = parts_.bond + std::size_t(parts_.first[bond_]) * Z;
    static_assert(NEAR == 8);
    const float g0 = g[0], g1 = g[1], g2 = g[2], g3 = g[3], g4 = g[4], g5 = g[5], g6 = g[6], g7 = g[7];
#pragma omp simd
    for (int f = 0; f < Z; ++f) {
      c_.at[f] = ((g0 * w[f] + g1 * w[Z + f]) + (g2 * w[2 * Z + f] + g3 * w[3 * Z + f])) +
                 ((g4 * w[4 * Z + f] + g5 * w[5 * Z + f]) + (g6 * w[6 * Z + f] + g7 * w[7 * Z + f]));
    }
  }

  float z(int f) const { return (a_[f] + b_[f]) + c_.at[f]; }

 private:
  const Parts& parts_;
  const Edges& edges_;
  const float *a_ = nullptr, *b_ = nullptr;
  std::int32_t bond_ = -1;
  Columns c_;
};

void nearest_gaussians(const Floats& length, const Floats& gaussians, float width, std::int32_t* first,
                       float* near) {
  const float *d = length.typed_data(), *c = gaussians.typed_data();
  const int last = int(gaussians.element_count()) - NEAR, n_lengths = int(length.element_count());
  const float start = c[0], per_step = 1.f / (c[1] - c[0]), per_square = 1.f / (width * width);
#pragma omp simd
  for (int u = 0; u < n_lengths; ++u) {
    const float left = std::floor((d[u] - start) * per_step) - (NEAR / 2 - 1);
    first[u] = int(left > 0 ? (left < last ? left : float(last)) : 0.f);  // 0 also for NaN
  }
  for (int u = 0; u < n_lengths; ++u) {
    const float *c_u = c + first[u], d_u = d[u];
    float* near_u = near + std::size_t(u) * NEAR;
#pragma omp simd
    for (int k = 0; k < NEAR; ++k) {
      const float x = d_u - c_u[k];
      near_u[k] = exp_of_negative(-(x * x) * per_square);
    }
  }
}

// message[centre] += weight x sigmoid(gate) x softplus(core), of gate and core (z - mean) slope + shift.
// Subtracting the mean first keeps digits where the variance is small.
void add_up(const Edges& edges, const Parts& parts, const Columns& mean, const Columns& slope,
            const Columns& shift, FloatsOut& message) {
  float* out = message->typed_data();
  std::memset(out, 0, message->size_bytes());
  Walk walk(parts, edges);
  for (std::size_t e = 0; e < edges.size; ++e) {
    walk.go_to(e);
    float* row = out + std::size_t(edges.centre[e]) * F;
    const float weight = edges.weight[e];
#pragma omp simd
    for (int f = 0; f < F; ++f) {
      const Gated y = gated((walk.z(f) - mean.at[f]) * slope.at[f] + shift.at[f],
                            (walk.z(F + f) - mean.at[F + f]) * slope.at[F + f] + shift.at[F + f]);
      row[f] += weight * y.opened * y.soft;
    }
  }
}

// Evaluation: messages under a given affine map of z.
ffi::Error messages(Floats nodes, Floats bond, Floats slope, Floats offset, Floats length, Floats gaussians,
                    Ints centre, Ints neighbour, Ints bond_of, Floats weight, Floats total_weight,
                    float width, FloatsOut message, IntsOut first, FloatsOut near) {
  const Edges edges(centre, neighbour, bond_of, weight, total_weight);
  nearest_gaussians(length, gaussians, width, first->typed_data(), near->typed_data());
  const Parts parts{nodes.typed_data(), bond.typed_data(), first->typed_data(), near->typed_data()};
  const Columns zero, k(slope), l(offset);
  add_up(edges, parts, zero, k, l, message);
  return ffi::Error::Success();
}

// Training, forward: statistics of z, then messages.
ffi::Error forward(Floats nodes, Floats bond, Floats scale, Floats shift, Floats length, Floats gaussians,
                   Ints centre, Ints neighbour, Ints bond_of, Floats weight, Floats total_weight, float width,
                   FloatsOut message, FloatsOut mean, FloatsOut variance, IntsOut first, FloatsOut near) {
  const Edges edges(centre, neighbour, bond_of, weight, total_weight);
  nearest_gaussians(length, gaussians, width, first->typed_data(), near->typed_data());
  const Parts parts{nodes.typed_data(), bond.typed_data(), first->typed_data(), near->typed_data()};

  Walk walk(parts, edges);
  double sum[Z] = {}, square[Z] = {};
  for (std::size_t start = 0; start < edges.size; start += BLOCK) {
    Columns s, q;
    for (std::size_t e = start; e < std::min(start + BLOCK, edges.size); ++e) {
      walk.go_to(e);
      const float weight_e = edges.total_weight[e];
#pragma omp simd
      for (int f = 0; f < F; ++f) {
        const float gate = walk.z(f), core = walk.z(F + f);
        const float w_gate = weight_e * gate, w_core = weight_e * core;
        s.at[f] += w_gate;
        s.at[F + f] += w_core;
        q.at[f] += w_gate * gate;
        q.at[F + f] += w_core * core;
      }
    }
    for (int f = 0; f < Z; ++f) {
      sum[f] += s.at[f];
      square[f] += q.at[f];
    }
  }

  const double total = edges.total();
  Columns slope;
  for (int f = 0; f < Z; ++f) {
    const double m = sum[f] / total, v = std::max(square[f] / total - m * m, 0.0);
    mean->typed_data()[f] = float(m);
    variance->typed_data()[f] = float(v);
    slope.at[f] = float(scale.typed_data()[f] / std::sqrt(v + EPSILON));
  }
  add_up(edges, parts, Columns(*mean), slope, Columns(shift), message);
  return ffi::Error::Success();
}

// Training, backward. With y = (z - mean) / deviation and n = scale y + shift, the derivative by z is
//   slope (dn - total_weight / total (d_shift + y d_scale)),  slope = scale / deviation,
// where d_shift and d_scale are sums over all edges, known only at the end. As everything wanted is a sum of
// this over some edges, sums of dn, total_weight y and total_weight are taken apart and combined at the end.
ffi::Error backward(Floats d_message, Floats nodes, Floats bond, Floats scale, Floats shift, Floats mean,
                    Floats variance, Ints first, Floats near, Ints centre, Ints neighbour, Ints bond_of,
                    Floats weight, Floats total_weight, FloatsOut d_nodes, FloatsOut d_bond,
                    FloatsOut d_scale, FloatsOut d_shift, FloatsOut scratch) {
  const Edges edges(centre, neighbour, bond_of, weight, total_weight);
  const Parts parts{nodes.typed_data(), bond.typed_data(), first.typed_data(), near.typed_data()};
  const std::size_t n_nodes = d_message.dimensions()[0], n_gaussians = bond.dimensions()[0];

  const Columns k(scale), l(shift), centre_of_z(mean);
  Columns inverse;  // of the deviation
  for (int f = 0; f < Z; ++f) {
    inverse.at[f] = float(1 / std::sqrt(double(variance.typed_data()[f]) + EPSILON));
  }

  // Of every node, as a centre and as a neighbour, and of every Gaussian: sums of dn and total_weight y,
  // and of total_weight.
  float* of_nodes = scratch->typed_data();  // (C, 2, 2, Z)
  std::memset(of_nodes, 0, scratch->size_bytes());
  std::vector<float> weight_of_nodes(2 * n_nodes);
  std::vector<Columns> of_gaussians(2 * n_gaussians);
  std::vector<float> weight_of_gaussians(n_gaussians);
  std::vector<double> total_of_gaussians(2 * Z * n_gaussians), total_weight_of_gaussians(n_gaussians);
  double sum[Z] = {}, product[Z] = {};

  Walk walk(parts, edges);
  for (std::size_t start = 0; start < edges.size; start += BLOCK) {
    const std::size_t stop = std::min(start + BLOCK, edges.size);
    Columns s, q;
    Columns d_run, w_run;  // sums over edges of the same bond that follow each other
    float total_run = 0;
    for (std::size_t e = start; e < stop; ++e) {
      walk.go_to(e);
      const std::size_t i = edges.centre[e], j = edges.neighbour[e];
      const float weight_e = edges.weight[e], total_e = edges.total_weight[e];
      const float* d_row = d_message.typed_data() + i * F;
      float *of_i = of_nodes + i * 4 * Z, *of_j = of_nodes + j * 4 * Z + 2 * Z;
      weight_of_nodes[2 * i] += total_e;
      weight_of_nodes[2 * j + 1] += total_e;
      total_run += total_e;
#pragma omp simd
      for (int f = 0; f < F; ++f) {
        const float y_gate = (walk.z(f) - centre_of_z.at[f]) * inverse.at[f];
        const float y_core = (walk.z(F + f) - centre_of_z.at[F + f]) * inverse.at[F + f];
        const Gated x = gated(y_gate * k.at[f] + l.at[f], y_core * k.at[F + f] + l.at[F + f]);
        const float d = d_row[f] * weight_e * x.opened;
        const float d_gate = d * x.closed * x.soft, d_core = d * x.slope;
        const float w_gate = total_e * y_gate, w_core = total_e * y_core;
        q.at[f] += d_gate * y_gate;
        q.at[F + f] += d_core * y_core;
        of_i[f] += d_gate;
        of_i[F + f] += d_core;
        of_i[Z + f] += w_gate;
        of_i[Z + F + f] += w_core;
        of_j[f] += d_gate;
        of_j[F + f] += d_core;
        of_j[Z + f] += w_gate;
        of_j[Z + F + f] += w_core;
        d_run.at[f] += d_gate;
        d_run.at[F + f] += d_core;
        w_run.at[f] += w_gate;
        w_run.at[F + f] += w_core;
      }
      if (e + 1 < stop && edges.bond[e + 1] == edges.bond[e]) continue;
      const float* g = parts.near + std::size_t(edges.bond[e]) * NEAR;
      const std::size_t first_gaussian = parts.first[edges.bond[e]];
      float* of_g = of_gaussians[2 * first_gaussian].at;
      float* weight_of_g = weight_of_gaussians.data() + first_gaussian;
#pragma omp simd
      for (int m = 0; m < NEAR; ++m) weight_of_g[m] += g[m] * total_run;
#pragma omp simd
      for (int f = 0; f < Z; ++f) {
        const float d = d_run.at[f], w = w_run.at[f];
        s.at[f] += d;
#pragma GCC unroll 8
        for (int m = 0; m < NEAR; ++m) {
          of_g[2 * Z * m + f] += g[m] * d;
          of_g[2 * Z * m + Z + f] += g[m] * w;
        }
        d_run.at[f] = w_run.at[f] = 0;
      }
      total_run = 0;
    }
    for (int f = 0; f < Z; ++f) {
      sum[f] += s.at[f];
      product[f] += q.at[f];
    }
    if (stop < edges.size && stop % (BLOCKS * BLOCK) != 0) continue;
    for (std::size_t m = 0; m < n_gaussians; ++m) {
      for (int f = 0; f < Z; ++f) {
        total_of_gaussians[2 * Z * m + f] += of_gaussians[2 * m].at[f];
        total_of_gaussians[2 * Z * m + Z + f] += of_gaussians[2 * m + 1].at[f];
      }
      total_weight_of_gaussians[m] += weight_of_gaussians[m];
    }
    std::fill(of_gaussians.begin(), of_gaussians.end(), Columns{});
    std::fill(weight_of_gaussians.begin(), weight_of_gaussians.end(), 0.f);
  }

  const double total = edges.total();
  Columns slope, u, v;
  for (int f = 0; f < Z; ++f) {
    d_shift->typed_data()[f] = float(sum[f]);
    d_scale->typed_data()[f] = float(product[f]);
    slope.at[f] = k.at[f] * inverse.at[f];
    u.at[f] = float(sum[f] / total);
    v.at[f] = float(product[f] / total);
  }
  for (std::size_t i = 0; i < 2 * n_nodes; ++i) {
    const float *in = of_nodes + i * 2 * Z, w = weight_of_nodes[i];
    float* out = d_nodes->typed_data() + i * Z;
    for (int f = 0; f < Z; ++f) out[f] = slope.at[f] * (in[f] - w * u.at[f] - v.at[f] * in[Z + f]);
  }
  for (std::size_t m = 0; m < n_gaussians; ++m) {
    const double *in = total_of_gaussians.data() + m * 2 * Z, w = total_weight_of_gaussians[m] / total;
    float* out = d_bond->typed_data() + m * Z;
    for (int f = 0; f < Z; ++f) {
      out[f] = float(slope.at[f] * (in[f] - w * sum[f] - in[Z + f] / total * product[f]));
    }
  }
  return ffi::Error::Success();
}

}  // namespace

// clang-format off
#define EDGES .Arg<Ints>().Arg<Ints>().Arg<Ints>().Arg<Floats>().Arg<Floats>()
#define INPUTS .Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Floats>()
XLA_FFI_DEFINE_HANDLER_SYMBOL(mattomo_messages, messages, ffi::Ffi::Bind()
    INPUTS EDGES .Attr<float>("width")
    .Ret<Floats>().Ret<Ints>().Ret<Floats>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(mattomo_forward, forward, ffi::Ffi::Bind()
    INPUTS EDGES .Attr<float>("width")
    .Ret<Floats>().Ret<Floats>().Ret<Floats>().Ret<Ints>().Ret<Floats>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(mattomo_backward, backward, ffi::Ffi::Bind()
    INPUTS .Arg<Floats>() .Arg<Ints>() .Arg<Floats>() EDGES
    .Ret<Floats>().Ret<Floats>().Ret<Floats>().Ret<Floats>().Ret<Floats>());
