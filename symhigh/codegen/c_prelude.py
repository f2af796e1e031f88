"""What every translated module begins with: arrays, room for them that is given back, and Python's arithmetic.

Part of the C target (:mod:`symhigh.codegen.c`).
"""

DECLARED = """#define NAN __builtin_nan("")
#define INFINITY __builtin_inf()
#define isfinite __builtin_isfinite
typedef __SIZE_TYPE__ size_t;
void *malloc(size_t);
void free(void *);
void abort(void);
void *memset(void *, int, size_t);
void *memcpy(void *, const void *, size_t);
__PTRDIFF_TYPE__ write(int, const void *, size_t);
long long llabs(long long);
double acos(double), acosh(double), asin(double), asinh(double), atan(double), atanh(double), cbrt(double), cos(double);
double cosh(double), erf(double), erfc(double), exp(double), exp2(double), expm1(double), fabs(double), lgamma(double);
double log(double), log10(double), log1p(double), log2(double), sin(double), sinh(double), sqrt(double), tan(double);
double tanh(double), tgamma(double), floor(double), ceil(double), trunc(double);
double atan2(double, double), copysign(double, double), fmod(double, double), hypot(double, double);
double pow(double, double), fma(double, double, double);
"""
"""What is used of the C library, instead of its headers, whose reading takes a good part of a compilation."""

HEADERS = """#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
"""
"""The headers that declare the same, for texts that others compile."""

PRELUDE = """#define SEEN __attribute__((visibility("default")))
""" + DECLARED + """
typedef union { double d; long long i; void *p; } slot;
typedef struct { double *p; long long n0; } array1;
typedef struct { double *p; long long n0, n1; } array2;
typedef struct { double *p; long long n0, n1, n2; } array3;
typedef struct { double *p; long long n0, n1, n2, n3; } array4;
typedef struct { long long *p; long long n0; } integers;
typedef unsigned long long word __attribute__((may_alias));
typedef struct { word *p; long long n0; } words;
typedef struct chain { struct chain *before; double align; } chain;

static void *room(chain **held, long long count)
{
    chain *made = malloc(sizeof(chain) + 8 * (size_t)(count > 0 ? count : 0));
    if (!made) { write(2, "symhigh: out of memory in generated code\\n", 41); abort(); }
    made->before = *held;
    *held = made;
    return made + 1;
}
static void release(chain *held)
{
    while (held) { chain *before = held->before; free(held); held = before; }
}
static array1 new_array(chain **held, long long n)
{
    array1 a = {room(held, n), n};
    if (n > 0) memset(a.p, 0, 8 * (size_t)n);
    return a;
}
static integers new_integers(chain **held, long long n)
{
    integers a = {room(held, n), n};
    if (n > 0) memset(a.p, 0, 8 * (size_t)n);
    return a;
}
static integers count_up(chain **held, long long n)
{
    integers a = new_integers(held, n);
    for (long long i = 0; i < n; i++) a.p[i] = i;
    return a;
}
static array2 new_array2(chain **held, long long n, long long m)
{
    array1 a = new_array(held, n * m);
    return (array2){a.p, n, m};
}
static array1 copy1(chain **held, array1 a)
{
    array1 b = {room(held, a.n0), a.n0};
    if (a.n0 > 0) memcpy(b.p, a.p, 8 * (size_t)a.n0);
    return b;
}
static array2 copy2(chain **held, array2 a)
{
    array2 b = {room(held, a.n0 * a.n1), a.n0, a.n1};
    if (a.n0 * a.n1 > 0) memcpy(b.p, a.p, 8 * (size_t)(a.n0 * a.n1));
    return b;
}
static array1 sorted(chain **held, array1 a)
{
    array1 b = copy1(held, a);
    for (long long i = 1; i < b.n0; i++) {
        double v = b.p[i];
        long long j = i;
        for (; j > 0 && b.p[j - 1] > v; j--) b.p[j] = b.p[j - 1];
        b.p[j] = v;
    }
    return b;
}
static integers order(chain **held, array1 a)
{
    integers b = count_up(held, a.n0);
    for (long long i = 1; i < b.n0; i++) {
        long long v = b.p[i], j = i;
        for (; j > 0 && a.p[b.p[j - 1]] > a.p[v]; j--) b.p[j] = b.p[j - 1];
        b.p[j] = v;
    }
    return b;
}
static void fill_k1(integers a, long long v) { for (long long i = 0; i < a.n0; i++) a.p[i] = v; }
static void fill_a1(array1 a, double v) { for (long long i = 0; i < a.n0; i++) a.p[i] = v; }
static double sum(array1 a)
{
    double s = 0.0;
    for (long long i = 0; i < a.n0; i++) s += a.p[i];
    return s;
}
static inline double square(double a) { return a * a; }
static inline double cube(double a) { return a * a * a; }
static inline double fourth(double a) { return square(square(a)); }
/* a product and a sum rounded once, where the processor can */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__FP_FAST_FMA)
static inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
static inline double fused(double a, double b, double c) { return a * b + c; }
#endif
static inline double number_of(word a) { union { word w; double d; } v = {a}; return v.d; }
static inline word word_of(double a) { union { double d; word w; } v = {a}; return v.w; }
/* the double nearest to a word, whose halves become doubles by their bits: 2**84 + high 2**32, 2**52 + low */
static inline double nearest(word a)
{
#if defined(__AVX512DQ__) || defined(__aarch64__)
    return (double)a;
#else
    double high = number_of((a >> 32) | 0x4530000000000000ULL) - 0x1.00000001p84;
    return high + number_of((a & 0xFFFFFFFFULL) | 0x4330000000000000ULL);
#endif
}
static inline double modulo(double a, double b)
{
    double r = fmod(a, b);
    return r != 0.0 && (r < 0.0) != (b < 0.0) ? r + b : r;
}
/* as Python's, whose first argument wins where they cannot be compared */
static inline double min_d(double a, double b) { return b < a ? b : a; }
static inline double max_d(double a, double b) { return b > a ? b : a; }
static inline long long min_i(long long a, long long b) { return b < a ? b : a; }
static inline long long max_i(long long a, long long b) { return b > a ? b : a; }"""
