/* The codes of a range of counters: the compiled twin of `KeySchedule` in otp.py.

   Once the two padded blocks of a key are hashed, the HMAC (RFC 2104) of a counter is two more
   blocks. Eight counters are hashed side by side, each in its own lane of a vector: the work depends
   on how many counters there are and on nothing else. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define LANES 8
typedef uint32_t Words __attribute__((vector_size(4 * LANES)));

/* The loader takes the variant for the processor that it runs on. */
#if defined(__x86_64__) && defined(__GLIBC__)
#define FOR_PROCESSORS __attribute__((target_clones("default", "avx2")))
#else
#define FOR_PROCESSORS
#endif

/* Hashes (FIPS 180-4) */

#define LEFT(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define RIGHT(x, n) LEFT(x, 32 - (n))
#define CHOOSE(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define MAJORITY(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))

#define SHA1_ROUNDS(first, f, constant)                                                          \
    _Pragma("GCC unroll 20")                                                                     \
    for (int t = first; t < first + 20; t++) {                                                   \
        if (t >= 16) {                                                                           \
            Words mixed = w[(t + 13) & 15] ^ w[(t + 8) & 15] ^ w[(t + 2) & 15] ^ w[t & 15];      \
            w[t & 15] = LEFT(mixed, 1);                                                          \
        }                                                                                        \
        Words next = LEFT(a, 5) + (f) + e + (constant) + w[t & 15];                              \
        e = d, d = c, c = LEFT(b, 30), b = a, a = next;                                          \
    }

/* Each hash takes a block into its state; the block is used up. */
FOR_PROCESSORS
static void sha1(Words state[8], Words w[16]) {
    Words a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    SHA1_ROUNDS(0, CHOOSE(b, c, d), 0x5a827999)
    SHA1_ROUNDS(20, b ^ c ^ d, 0x6ed9eba1)
    SHA1_ROUNDS(40, MAJORITY(b, c, d), 0x8f1bbcdc)
    SHA1_ROUNDS(60, b ^ c ^ d, 0xca62c1d6)
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

static const uint32_t SHA256_CONSTANTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

FOR_PROCESSORS
static void sha256(Words state[8], Words w[16]) {
    Words s[8];
    memcpy(s, state, sizeof s);
    _Pragma("GCC unroll 16")
    for (int t = 0; t < 64; t++) {
        if (t >= 16) {
            Words x = w[(t + 1) & 15], y = w[(t + 14) & 15];
            w[t & 15] += (RIGHT(x, 7) ^ RIGHT(x, 18) ^ x >> 3) + w[(t + 9) & 15]
                + (RIGHT(y, 17) ^ RIGHT(y, 19) ^ y >> 10);
        }
        Words one = s[7] + (RIGHT(s[4], 6) ^ RIGHT(s[4], 11) ^ RIGHT(s[4], 25))
            + CHOOSE(s[4], s[5], s[6]) + SHA256_CONSTANTS[t] + w[t & 15];
        Words two = (RIGHT(s[0], 2) ^ RIGHT(s[0], 13) ^ RIGHT(s[0], 22))
            + MAJORITY(s[0], s[1], s[2]);
        s[7] = s[6], s[6] = s[5], s[5] = s[4], s[4] = s[3] + one;
        s[3] = s[2], s[2] = s[1], s[1] = s[0], s[0] = one + two;
    }
    for (int i = 0; i < 8; i++) state[i] += s[i];
}

typedef struct {
    const char *name;
    void (*compress)(Words state[8], Words block[16]);
    int digest_words;
    uint32_t initial[8];
} Hash;

#define HASHES 2
static const Hash hashes[HASHES] = {
    {"SHA1", sha1, 5, {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}},
    {"SHA256", sha256, 8,
     {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}},
};

/* Codes */

/* What is kept of a key: the states after its inner and its outer padded block. */
typedef struct {
    uint32_t hash;
    uint32_t states[2][8];
} Schedule;

static void copy_to_lanes(Words *words, const uint32_t *from, int count) {
    for (int i = 0; i < count; i++) words[i] = (Words){0} + from[i];
}

/* Ends a message that follows a key's block: a bit, and the number of bits before it. */
static void finish(Words block[16], int words) {
    memset(block + words, 0, (16 - words) * sizeof block[0]);
    block[words] += 0x80000000;
    block[15] += (16 + words) * 32;
}

/* HMAC and its truncation (RFC 4226 section 5.3), for the counters from `counter` on. */
static void truncated_hmacs(const Schedule *key, uint64_t counter, uint32_t values[LANES]) {
    const Hash *hash = &hashes[key->hash];
    Words state[8], block[16];
    for (int lane = 0; lane < LANES; lane++) {
        block[0][lane] = (counter + lane) >> 32;
        block[1][lane] = counter + lane;
    }
    finish(block, 2);
    copy_to_lanes(state, key->states[0], 8);
    hash->compress(state, block);
    memcpy(block, state, hash->digest_words * sizeof block[0]);
    finish(block, hash->digest_words);
    copy_to_lanes(state, key->states[1], 8);
    hash->compress(state, block);
    for (int lane = 0; lane < LANES; lane++) {
        unsigned start = state[hash->digest_words - 1][lane] & 15;
        uint64_t both = (uint64_t)state[start / 4][lane] << 32 | state[start / 4 + 1][lane];
        values[lane] = both >> (32 - start % 4 * 8) & 0x7fffffff;
    }
}

static PyObject *schedule(PyObject *module, PyObject *args) {
    const char *name;
    const unsigned char *key;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "sy#", &name, &key, &length)) return NULL;
    Schedule made = {0};
    while (made.hash < HASHES && strcmp(hashes[made.hash].name, name) != 0) made.hash++;
    if (made.hash == HASHES || length != 64)
        return PyErr_Format(PyExc_ValueError, "%zd bytes are no block of a key for %s", length, name);
    for (int outer = 0; outer < 2; outer++) {
        Words state[8], block[16];
        copy_to_lanes(state, hashes[made.hash].initial, 8);
        for (int i = 0; i < 16; i++) {
            uint32_t word = 0;
            for (int j = 0; j < 4; j++) word = word << 8 | (key[4 * i + j] ^ (outer ? 0x5c : 0x36));
            copy_to_lanes(&block[i], &word, 1);
        }
        hashes[made.hash].compress(state, block);
        for (int i = 0; i < 8; i++) made.states[outer][i] = state[i][0];
    }
    return PyBytes_FromStringAndSize((const char *)&made, sizeof made);
}

static PyObject *values(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Schedule key;
    char *bytes;
    Py_ssize_t length;
    uint64_t numbers[3];
    if (count != 4) return PyErr_Format(PyExc_TypeError, "%zd arguments in place of 4", count);
    if (PyBytes_AsStringAndSize(args[0], &bytes, &length) < 0) return NULL;
    for (int i = 0; i < 3; i++) {
        numbers[i] = PyLong_AsUnsignedLongLong(args[i + 1]);
        if (PyErr_Occurred()) return NULL;
    }
    const uint64_t low = numbers[0], high = numbers[1], modulus = numbers[2];
    if (length == sizeof key) memcpy(&key, bytes, sizeof key);
    if (length != sizeof key || key.hash >= HASHES || high < low || high - low >= PY_SSIZE_T_MAX
        || !modulus)
        return PyErr_Format(PyExc_ValueError, "no schedule, no counters or no digits");
    const Py_ssize_t wanted = (Py_ssize_t)(high - low) + 1;
    PyObject *list = PyList_New(wanted);
    for (Py_ssize_t done = 0; list && done < wanted; done += LANES) {
        uint32_t found[LANES];
        truncated_hmacs(&key, low + done, found);
        for (int lane = 0; list && lane < LANES && done + lane < wanted; lane++) {
            PyObject *value = PyLong_FromUnsignedLongLong(found[lane] % modulus);
            if (value) PyList_SET_ITEM(list, done + lane, value);
            else Py_CLEAR(list);
        }
        if (PyErr_CheckSignals() < 0) Py_CLEAR(list);
    }
    return list;
}

/* The module */

static PyMethodDef methods[] = {
    {"schedule", schedule, METH_VARARGS, "Hash a key that is padded to a block, for `values`."},
    {"values", (PyCFunction)(void (*)(void))values, METH_FASTCALL, "The codes of a range."},
    {NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "otp_core", .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit_otp_core(void) { return PyModuleDef_Init(&definition); }
