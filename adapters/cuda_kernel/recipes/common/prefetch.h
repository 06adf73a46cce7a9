{#- Asking for memory ahead of its use. From config: prefetch. -#}
{%- set ahead = {"none": 0, "near": 512, "far": 4096}[config.prefetch] %}
{%- if ahead %}
// Memory is asked for {{ ahead }} bytes before it is read; an address behind the end does no harm.
{%- else %}
// Nothing is asked for ahead of its use.
{%- endif %}
static INLINE void soon(const float* p) { {{ "__builtin_prefetch((const char*)p + %d);" % ahead if ahead else "(void)p;" }} }
