/* A wall clock that can be moved while a program runs: preloaded into it and all that it starts.
 *
 * BENCH_WALL_CLOCK names a file of int64: how many moves there were, then of each the real time in ns and how far the
 * wall clock has been moved since. Only CLOCK_REALTIME moves, as with a step of the machine's own: intervals by the
 * monotonic clock stay as long as they are, waits until a wall time end early or late, and a file keeps the time at
 * which it was written. Timers of the kernel (timerfd, timer_settime) are left as they are.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define SLICE (SECOND / 5) /* of a wait until a wall time, after which the clock is looked at again */
#define BYTES 65536
#define REAL(name) ((__typeof__(&name))real(#name))

static const volatile int64_t *moves;

__attribute__((constructor)) static void open_moves(void) {
    const char *path = getenv("BENCH_WALL_CLOCK");
    int handle = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (handle < 0) return;
    void *found = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, handle, 0);
    close(handle);
    if (found != MAP_FAILED) moves = found;
}

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static int64_t ns(const struct timespec *at) { return at->tv_sec * SECOND + at->tv_nsec; }

static struct timespec spec(int64_t at) {
    struct timespec made = {at / SECOND, at % SECOND};
    if (made.tv_nsec < 0) made.tv_sec--, made.tv_nsec += SECOND;
    return made;
}

static int64_t moved(void) { return moves && moves[0] ? moves[2 * moves[0]] : 0; }

/* How far the clock was moved at a real time. */
static int64_t moved_at(int64_t at) {
    int64_t number = moves ? moves[0] : 0;
    while (number && moves[2 * number - 1] > at) number--;
    return number ? moves[2 * number] : 0;
}

static int64_t real_now(clockid_t id) {
    static int (*get)(clockid_t, struct timespec *);
    struct timespec at;
    if (!get) get = REAL(clock_gettime);
    return get(id, &at) ? 0 : ns(&at);
}

static int is_wall(clockid_t id) { return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI; }

int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*get)(clockid_t, struct timespec *);
    if (!get) get = REAL(clock_gettime);
    int failed = get(id, at);
    if (!failed && is_wall(id)) *at = spec(ns(at) + moved());
    return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now = spec(real_now(CLOCK_REALTIME) + moved());
    (void)zone;
    at->tv_sec = now.tv_sec, at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    time_t now = spec(real_now(CLOCK_REALTIME) + moved()).tv_sec;
    if (at) *at = now;
    return now;
}

int timespec_get(struct timespec *at, int base) {
    if (base != TIME_UTC) return 0;
    *at = spec(real_now(CLOCK_REALTIME) + moved());
    return base;
}

/* Waits until a wall time. Each is cut into slices by the real clock: `*until` is the next one's end, and the result
 * whether the wait is over by the wall clock as it is now. */
static int next_slice(const struct timespec *wall, struct timespec *until) {
    int64_t now = real_now(CLOCK_REALTIME), left = ns(wall) - moved() - now;
    *until = spec(now + (left < SLICE ? left : SLICE));
    return left <= 0;
}

#define SLICED(call)                                                       \
    struct timespec slice;                                                 \
    for (;;) {                                                             \
        int over = next_slice(until, &slice), failed = (call);             \
        if (over || !failed || !TIMED_OUT(failed)) return failed;          \
    }

#define TIMED_OUT(failed) ((failed) == ETIMEDOUT)

/* glibc keeps the clock of a condition in this bit. Who waits for one looks whether it came true: waking for nothing
 * is allowed, and the only way to wait on without missing a signal. */
static int by_monotonic(const pthread_cond_t *cond) { return cond->__data.__wrefs & 2; }

static int woken(int failed, int over) { return failed == ETIMEDOUT && !over ? 0 : failed; }

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until) {
    struct timespec slice;
    if (by_monotonic(cond)) return REAL(pthread_cond_timedwait)(cond, mutex, until);
    int over = next_slice(until, &slice);
    return woken(REAL(pthread_cond_timedwait)(cond, mutex, &slice), over);
}

int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t id, const struct timespec *until) {
    struct timespec slice;
    if (!is_wall(id)) return REAL(pthread_cond_clockwait)(cond, mutex, id, until);
    int over = next_slice(until, &slice);
    return woken(REAL(pthread_cond_clockwait)(cond, mutex, id, &slice), over);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until) {
    SLICED(REAL(pthread_mutex_timedlock)(mutex, &slice))
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *until) {
    SLICED(REAL(pthread_rwlock_timedrdlock)(lock, &slice))
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *until) {
    SLICED(REAL(pthread_rwlock_timedwrlock)(lock, &slice))
}

#undef TIMED_OUT
#define TIMED_OUT(failed) ((failed) == -1 && errno == ETIMEDOUT)

int sem_timedwait(sem_t *sem, const struct timespec *until) { SLICED(REAL(sem_timedwait)(sem, &slice)) }

int sem_clockwait(sem_t *sem, clockid_t id, const struct timespec *until) {
    if (!is_wall(id)) return REAL(sem_clockwait)(sem, id, until);
    SLICED(REAL(sem_clockwait)(sem, id, &slice))
}

int clock_nanosleep(clockid_t id, int flags, const struct timespec *until, struct timespec *left) {
    if (!is_wall(id) || !(flags & TIMER_ABSTIME)) return REAL(clock_nanosleep)(id, flags, until, left);
    struct timespec slice;
    for (;;) {
        int over = next_slice(until, &slice), failed = REAL(clock_nanosleep)(id, flags, &slice, left);
        if (over || failed) return failed;
    }
}

/* Programs with locks of their own (those of gRPC) ask the kernel themselves. */
long syscall(long number, ...) {
    long of[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++) of[i] = va_arg(list, long);
    va_end(list);
    static long (*call)(long, ...);
    if (!call) call = REAL(syscall);
    const struct timespec *until = (const struct timespec *)of[3];
    if (number == SYS_futex && (of[1] & FUTEX_CLOCK_REALTIME) && until) {
        SLICED((int)call(number, of[0], of[1], of[2], &slice, of[4], of[5]))
    }
    if (number == SYS_clock_gettime) return clock_gettime((clockid_t)of[0], (struct timespec *)of[1]);
    return call(number, of[0], of[1], of[2], of[3], of[4], of[5]);
}

/* Times of files are the kernel's, which knows of no move. A program built for large files asks by the names with 64. */
#define SHOWN(suffix)                                                                                                \
    static int shown##suffix(int failed, struct stat##suffix *found) {                                               \
        struct timespec *times[] = {&found->st_atim, &found->st_mtim, &found->st_ctim};                              \
        for (int i = 0; !failed && i < 3; i++) *times[i] = spec(ns(times[i]) + moved_at(ns(times[i])));              \
        return failed;                                                                                               \
    }                                                                                                                \
    int stat##suffix(const char *restrict path, struct stat##suffix *restrict found) {                               \
        return shown##suffix(REAL(stat##suffix)(path, found), found);                                                \
    }                                                                                                                \
    int lstat##suffix(const char *restrict path, struct stat##suffix *restrict found) {                              \
        return shown##suffix(REAL(lstat##suffix)(path, found), found);                                               \
    }                                                                                                                \
    int fstat##suffix(int handle, struct stat##suffix *found) {                                                      \
        return shown##suffix(REAL(fstat##suffix)(handle, found), found);                                             \
    }                                                                                                                \
    int fstatat##suffix(int folder, const char *restrict path, struct stat##suffix *restrict found, int flags) {     \
        return shown##suffix(REAL(fstatat##suffix)(folder, path, found, flags), found);                              \
    }

SHOWN()
SHOWN(64)

int statx(int folder, const char *restrict path, int flags, unsigned mask, struct statx *restrict found) {
    int failed = REAL(statx)(folder, path, flags, mask, found);
    struct statx_timestamp *times[] = {&found->stx_atime, &found->stx_btime, &found->stx_ctime, &found->stx_mtime};
    for (int i = 0; !failed && i < 4; i++) {
        struct timespec at = {times[i]->tv_sec, times[i]->tv_nsec};
        at = spec(ns(&at) + moved_at(ns(&at)));
        times[i]->tv_sec = at.tv_sec, times[i]->tv_nsec = at.tv_nsec;
    }
    return failed;
}
