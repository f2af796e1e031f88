"""A limit as a C program of its own: equations, numbers, the generated functions, an integrator and a table.

Part of the reports. The functions are those that symhigh generates and compiles; the integrator is the method of
Dormand and Prince of order 5(4) (J. Comput. Appl. Math. 6, 1980) with the usual step control.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symhigh.codegen.c import Module
from symhigh.codegen.c_prelude import DECLARED, HEADERS
from symhigh.codegen.kernels import limit_source
from symhigh.codegen.lower import Lowering
from symhigh.codegen.signatures import LIMIT
from symhigh.codegen.target import C
from symhigh.report.script import Numbers
from symhigh.system import MomentSystem

_HEAD = """/* {problem} under {rule}: its limit in high dimensions. Time is steps/d.

{equations}

Parameters: {parameters}
States of a mode: {states}; coefficients: {names}; memories: {memories}; {modes} modes.
Outputs, a column each after t: {outputs}
Written by symhigh {version}. Compile and run:  cc -O2 -o limit limit.c -lm && ./limit [RTOL]
*/
"""
_DRIVER = """
#define MODES {modes}
#define STATES {states}      /* states of a mode */
#define MEMORIES {memories}
#define ROWS {rows}          /* coefficients of a mode */
#define OUTPUTS {outputs}
#define SIZE (MODES * STATES + MEMORIES)
#define POINTS 11

static double PARAMETERS[] = {values};
static double WEIGHTS[MODES] = {weights};
static double COEFFICIENTS[] = {coefficients};
static double START[MODES * STATES] = {start};
static double CONSTANTS[{constants} + 1];
static const char *const NAMES[OUTPUTS] = {titles};

static array1 vector(double *p, long long n) {{ array1 a = {{p, n}}; return a; }}
static array1 parameters(void) {{ return vector(PARAMETERS, {parameters}); }}
static array1 constants(void) {{ return vector(CONSTANTS, {constants}); }}
static array1 weights(void) {{ return vector(WEIGHTS, MODES); }}
static array2 coefficients(void) {{ array2 a = {{COEFFICIENTS, ROWS, MODES}}; return a; }}

static void slope(double t, double *y, double *dy)
{{
    memset(dy, 0, SIZE * sizeof(double));
    f_rhs(t, vector(y, SIZE), vector(dy, SIZE), parameters(), coefficients(), weights(), constants());
}}

/* One step of Dormand and Prince from (t, y) by h, k[0] being the slope there; the estimated error in e. */
static void step(double t, double h, double *y, double k[7][SIZE], double *next, double *e)
{{
    static const double c[7] = {{0, 0.2, 0.3, 0.8, 8.0 / 9, 1, 1}};
    static const double a[7][6] = {{
        {{0}}, {{0.2}}, {{3.0 / 40, 9.0 / 40}}, {{44.0 / 45, -56.0 / 15, 32.0 / 9}},
        {{19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729}},
        {{9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656}},
        {{35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}}}};
    static const double d[7] = {{71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200,
                                22.0 / 525, -1.0 / 40}};
    for (int s = 1; s < 7; s++) {{
        for (int i = 0; i < SIZE; i++) {{
            next[i] = y[i];
            for (int r = 0; r < s; r++) next[i] += h * a[s][r] * k[r][i];
        }}
        slope(t + c[s] * h, next, k[s]);
    }}
    for (int i = 0; i < SIZE; i++) {{
        e[i] = 0;
        for (int s = 0; s < 7; s++) e[i] += h * d[s] * k[s][i];
    }}
}}

/* Integrates y from t to end; returns 0 where the step becomes too small. */
static int integrate(double t, double end, double *y, double *h, double rtol)
{{
    static double k[7][SIZE], next[SIZE], e[SIZE];
    slope(t, y, k[0]);
    while (t < end) {{
        double left = end - t, used = *h < left ? *h : left, worst = 0;
        step(t, used, y, k, next, e);
        for (int i = 0; i < SIZE; i++) {{
            double size = fabs(y[i]) > fabs(next[i]) ? fabs(y[i]) : fabs(next[i]);
            double ratio = fabs(e[i]) / (1e-12 + rtol * size);
            if (!(ratio <= worst)) worst = ratio;
        }}
        if (worst <= 1) {{
            t = used < left ? t + used : end;
            memcpy(y, next, sizeof next);
            memcpy(k[0], k[6], sizeof next);
        }}
        if (used < left || worst > 1)
            *h = used * (worst <= 1e-7 ? 5 : worst < 1e30 ? fmin(5, fmax(0.2, 0.9 * pow(worst, -0.2))) : 0.2);
        if (!(*h > 1e-14 * (1 + t))) return 0;
    }}
    return 1;
}}

int main(int count, char **words)
{{
    double end = {end}, rtol = count > 1 ? atof(words[1]) : 1e-9, h = 1e-3 * end, y[SIZE + 1], out[OUTPUTS];
    f_prepare(parameters(), coefficients(), weights(), constants());
    memcpy(y, START, sizeof START);
    f_begin(parameters(), constants(), vector(y + MODES * STATES, MEMORIES));
    printf("t");
    for (int j = 0; j < OUTPUTS; j++) printf(",%s", NAMES[j]);
    for (int k = 0; k < POINTS; k++) {{
        double t = end * k / (POINTS - 1);
        if (k > 0 && !integrate(end * (k - 1) / (POINTS - 1), t, y, &h, rtol)) {{
            fprintf(stderr, "no step is small enough before t = %g\\n", t);
            return 1;
        }}
        f_observe(t, vector(y, SIZE), vector(out, OUTPUTS), parameters(), coefficients(), weights(), constants());
        printf("\\n%.17g", t);
        for (int j = 0; j < OUTPUTS; j++) printf(",%.17g", out[j]);
    }}
    printf("\\n");
    return 0;
}}
"""
_CALLED = ("prepare", "begin", "rhs", "observe")


def c_program(system: MomentSystem, *population: Any, t_end: float) -> str:
    """Source of a C program of ``system`` on a population, which prints a table of its outputs to ``t_end`` as CSV.

    ``population`` is what ``system.solve`` takes. Needs a C99 compiler and its mathematical library alone. The
    integrator is explicit, so stiff limits take long. Raises ``TypeError`` for limits not closed by moments.
    """
    given = Numbers.of("c_program", system, population, t_end)
    functions = Module(limit_source(system, C), {name: LIMIT[name] for name in _CALLED}, (), {}).text([])
    functions = functions.replace(DECLARED, f"#include <stdio.h>\n{HEADERS}")
    driver = _DRIVER.format(
        modes=given.weights.size,
        states=len(system.family.states),
        memories=len(system.states),
        rows=len(given.coefficients),
        outputs=len(system.outputs),
        values=_array(given.parameters),
        weights=_array(given.weights),
        coefficients=_array(given.coefficients.ravel()),
        start=_array(given.start),
        constants=len(Lowering(system, C).static),
        titles="{" + ", ".join(f'"{name}"' for name in system.outputs) + "}",
        parameters=given.parameters.size,
        end=repr(given.end),
    )
    return _HEAD.format(**{key: text.replace("*/", "* /") for key, text in given.named.items()}) + functions + driver


def _array(values: np.ndarray[Any, Any]) -> str:
    """An initializer, of one zero where there are no values, since C has no empty arrays."""
    return "{" + ", ".join(repr(float(v)) for v in (values if values.size else [0.0])) + "}"
