"""What one step of the Gram chain draws, as source: a sample, the mean gradients of a batch, parts beyond the frame.

Part of :mod:`symhigh.codegen.gram`, whose head has the mathematics.
"""

from __future__ import annotations

from symhigh.codegen.gram_frame import ROOT, Frame
from symhigh.codegen.sample import batch_slopes, noise_lines, sample_lines, slope
from symhigh.symbols import gradient_square


class Sample(Frame):
    """Writes what is drawn, in coordinates of the frame."""

    def sample(self) -> list[str]:
        names, s, frame = self.names, self.s, self.frame
        group = 126 // (frame + 2)
        predictions = (*zip(s.students, s.effective, strict=True), *zip(s.aims, s.targets, strict=True))
        draws = [f"g{j}" for j in range(frame)]
        drawn = ", ".join(f"pool[at + {k}]" for k in range(frame + 2))
        loop = [
            *self.move(),
            f"{', '.join(draws)}, z, v = {drawn}",
            f"at += {frame + 2}",
            "if shape[i] > 0.0:",
            "    aside = scale[i] * z",
            "    quick = 1.35 * shape[i] * (aside * aside) * (aside * aside)",
            "    if abs(aside) > 0.5 or 0.68 * min(abs(v), 1.0) <= quick:",
            "        v = chi_cube(source, words, shape[i], scale[i], z, v)",
            "    else:",
            "        v = (1.0 + aside) * (1.0 + aside) * (1.0 + aside)",
            "    rest[i] = 2.0 * shape[i] * v",
            "else:",
            f"    rest[i] = z * z if count[i] == {frame + 1} else 0.0",
            *(f"g{j} = g{j} if count[i] > {j} else 0.0" for j in range(1, frame)),
            *(f"draws[{self.width if self.drawn > 1 else frame} * i + {j}] = g{j}" for j in range(frame)),
            *(f"{names(x)} += root[i] * ({self.along(weight)})" for x, weight in predictions),
            f"square += root[i] * root[i] * ({' + '.join(f'{one} * {one}' for one in draws)} + rest[i])",
        ]
        return [
            *self.prologue(),
            *(f"{names(x)} = 0.0" for x, _ in predictions),
            "square = 0.0",
            f"for low in range(0, n, {group}):  # of {group} eigenspaces at a time four requests fill a pool",
            f"    high = min(n, low + {group})",
            f"    at = together(source, words, {frame + 2} * (high - low) + 1)",
            "    for i in range(low, high):",
            *("        " + line for line in loop),
            *(f"{names(x)} /= {names(ROOT)}" for x, _ in predictions),
            *noise_lines(self.lowering, s, "pool[at]"),
            *sample_lines(self.lowering, s),
        ]

    def batch(self, sample: list[str]) -> list[str]:
        """m samples of one student: afterwards ``draws`` and ``rest`` are of their mean gradient, of slope one."""
        name, size, frame = self.names(slope(0)), self.names.code(self.s.batch), self.frame
        stride = frame if self.drawn == 1 else self.width
        begin, add, mean = batch_slopes(self.names, self.s, size)
        return [
            "total[:] = 0.0",
            "spread = 0.0",
            *begin,
            f"for j in range(int({size})):",
            *("    " + line for line in (*sample, *add)),
            "    on = 0.0  # the vectors have moved; the other samples find them there",
            "    for i in range(n):",
            f"        for axis in range({frame}):",
            f"            total[{frame} * i + axis] += {name} * draws[{stride} * i + axis]",
            f"    spread += {name} * {name}",
            "square = 0.0",
            "for i in range(n):",
            f"    rest[i] *= spread / ({size} * {size})",
            "    square += root[i] * root[i] * rest[i]",
            f"    for axis in range({frame}):",
            f"        value = total[{frame} * i + axis] / {size}",
            f"        draws[{stride} * i + axis] = value",
            "        square += root[i] * root[i] * value * value",
            f"{name} = 1.0",
            *mean,
        ]

    def batches(self, sample: list[str]) -> list[str]:
        """m samples of several students: the mean gradients along the frame, and the factor L of what is beyond."""
        size, frame, count = self.names.code(self.s.batch), self.frame, self.gradients
        slopes = [self.names(slope(p)) for p in range(count)]
        pairs = [(p, q) for p in range(count) for q in range(p + 1)]
        begin, add, mean = batch_slopes(self.names, self.s, size)
        lines = [
            "total[:] = 0.0",
            *(f"spread_{p}_{q} = 0.0" for p, q in pairs),
            *begin,
            f"for j in range(int({size})):",
            *("    " + line for line in (*sample, *add)),
            "    on = 0.0  # the vectors have moved; the other samples find them there",
            "    for i in range(n):",
            f"        for axis in range({frame}):",
            f"            value = draws[{self.width} * i + axis]",
            *(f"            total[{frame} * ({p} * n + i) + axis] += {slopes[p]} * value" for p in range(count)),
            *(f"    spread_{p}_{q} += {slopes[p]} * {slopes[q]}" for p, q in pairs),
            "for i in range(n):",
            f"    for axis in range({frame}):",
            *(
                f"        draws[{self.width} * ({p} * n + i) + axis] = total[{frame} * ({p} * n + i) + axis] / {size}"
                for p in range(count)
            ),
        ]
        for p, q in pairs:  # Cholesky, of a matrix that may be singular
            left = "".join(f" - low_{p}_{r} * low_{q}_{r}" for r in range(q))
            value = f"spread_{p}_{q} / ({size} * {size}){left}"
            if p == q:
                lines.append(f"low_{p}_{p} = sqrt(max({value}, 0.0))")
            else:
                lines.append(f"low_{p}_{q} = ({value}) / low_{q}_{q} if low_{q}_{q} > 0.0 else 0.0")
        return [*lines, *(f"{name} = 1.0" for name in slopes), *mean]

    def beyond(self) -> list[str]:
        """What several sources have beyond the frame, and normals of the step's own along it."""
        frame, several = self.frame, self.gradients > 1
        lines, at = ["b_0_0 = sqrt(rest[i])"], 0
        for k in range(1, self.drawn):
            if k >= self.gradients:
                lines += [f"{self.entry(k, j)} = pool[at + {at + j}] if count[i] > {j} else 0.0" for j in range(frame)]
                at += frame
            lines += [f"b_{k}_{j} = pool[at + {at + j}] if count[i] > {frame + j} else 0.0" for j in range(k)]
            at += k + 2
            lines += [
                f"z, v = pool[at + {at - 2}], pool[at + {at - 1}]",
                f"if shape[{k} * n + i] > 0.0:",
                f"    v = chi_cube(source, words, shape[{k} * n + i], scale[{k} * n + i], z, v)",
                f"    b_{k}_{k} = sqrt(2.0 * shape[{k} * n + i] * v)",
                "else:",
                f"    b_{k}_{k} = abs(z) if count[i] == {frame + k + 1} else 0.0",
            ]
        for k in range(self.drawn):
            for j in range(self.drawn):
                if several and k < self.gradients:
                    value = " + ".join(f"low_{k}_{r} * b_{r}_{j}" for r in range(j, k + 1)) or "0.0"
                else:
                    value = f"b_{k}_{j}" if j <= k else "0.0"
                lines.append(f"{self.entry(k, frame + j)} = {value}")
        group = max(1, 126 // at)
        return [
            f"for low in range(0, n, {group}):",
            f"    high = min(n, low + {group})",
            f"    at = together(source, words, {at} * (high - low))",
            "    for i in range(low, high):",
            *("        " + line for line in lines),
            f"        at += {at}",
        ]

    def squares(self) -> list[str]:
        """The squared norm of the mean gradients of several students."""
        entries = [self.entry(p, axis) for p in range(self.gradients) for axis in range(self.width)]
        return [
            "square = 0.0",
            "for i in range(n):",
            f"    square += root[i] * root[i] * ({' + '.join(f'{e} * {e}' for e in entries)})",
            f"{self.names(gradient_square)} = square",
        ]
