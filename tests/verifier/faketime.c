/* Loaded before the C library, so that a library that asks for the time gets the one that was set. */
#include <time.h>

static time_t now;

void set_time(long long seconds) { now = seconds; }

time_t time(time_t *where) {
    if (where) *where = now;
    return now;
}
