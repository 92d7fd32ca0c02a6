/* Tier P where the kernel has no loops over a function (before 5.17): calls that run at the same time on one connection are
 * counted by turns. */
#define TURNS_ONLY
#include "packets.bpf.c"
