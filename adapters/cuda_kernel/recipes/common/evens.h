{#- Every second value of two vectors. From config: lanes. -#}
// Values 0, 2, 4, ... of the 2 V in a and b, and values 1, 3, 5, ...
static INLINE vec evens(vec a, vec b) { return __builtin_shufflevector(a, b, {{ range(0, 2 * config.lanes, 2) | join(", ") }}); }
static INLINE vec odds(vec a, vec b) { return __builtin_shufflevector(a, b, {{ range(1, 2 * config.lanes, 2) | join(", ") }}); }
