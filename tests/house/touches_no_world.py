#!/usr/bin/env python3
"""touches_no_world.py ARCHIVES FOLDER: no clock, file, socket, thread or source of randomness outside lib/posix.

Looks at the symbols that the archive leaves to others, those of the C++ library included. What is allowed all the same
stands in EXCEPTIONS, a reason beside it. An exception that nothing needs any more fails, too.
"""

import re
import subprocess
import sys

from archives import read_archives

C_FUNCTIONS = """
    fread fread_unlocked fgets fgetc getc getchar getline getdelim fscanf scanf
    open open64 openat openat64 creat fopen fopen64 freopen fdopen opendir readdir readdir64 scandir read pread pread64 readv preadv
    preadv2 write pwrite pwrite64 writev pwritev pwritev2 close fsync fdatasync sync syncfs sync_file_range fallocate posix_fallocate
    __open_2 __open64_2 __openat_2 __openat64_2 __read_chk __pread_chk __pread64_chk __fread_chk __fgets_chk preadv64 preadv64v2 pwritev64
    pwritev64v2 readlink readlinkat realpath __realpath_chk getcwd chdir chmod fchmod chown statx memfd_create shm_open dlopen dprintf
    ftruncate ftruncate64 truncate rename renameat unlink unlinkat remove mkdir mkdirat rmdir link symlink stat stat64 fstat fstat64
    lstat fstatat statvfs statfs access flock lockf fcntl fcntl64 ioctl mmap mmap64 munmap mremap madvise posix_fadvise sendfile
    sendfile64 splice copy_file_range mkstemp mkstemp64 mkostemp mkdtemp tmpfile
    socket socketpair bind listen accept accept4 connect send sendto sendmsg recv recvfrom recvmsg shutdown getaddrinfo getsockopt
    setsockopt getsockname getpeername poll ppoll select pselect epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd
    timerfd_create timerfd_settime signalfd inotify_init io_uring_setup epoll_pwait2 recvmmsg sendmmsg __recv_chk __recvfrom_chk
    __poll_chk __ppoll_chk gethostbyname gethostbyaddr getifaddrs res_query
    clock_gettime clock_getres gettimeofday time times nanosleep clock_nanosleep usleep sleep alarm setitimer timer_create timespec_get clock
    ftime localtime localtime_r __localtime64_r mktime timelocal tzset
    getrandom getentropy arc4random rand rand_r srand random srandom drand48 RAND_bytes
    pthread_create pthread_join pthread_detach pthread_cond_wait pthread_cond_timedwait pthread_cond_clockwait thrd_create sem_wait
    sem_timedwait fork vfork clone execve execvp posix_spawn
    system popen kill raise signal sigaction getenv secure_getenv setenv environ isatty getpid gethostname uname syscall
""".split()
CXX_NAMES = re.compile(r"""
    ^std::(__cxx11::|_V2::|chrono::_V2::|chrono::)*(system_clock|steady_clock|high_resolution_clock)::now
  | ^std::thread:: | ^std::jthread:: | ^std::this_thread::(sleep|__sleep) | ^std::condition_variable | ^std::random_device
  | ^std::(basic_)?(i|o)?f(stream|ilebuf) | ^std::__basic_file | ^std::filesystem:: | ^std::__future_base | ^std::async
  | ^std::(cin|cout|cerr|clog)$
  | ^boost::asio::(.*::)?(epoll_reactor|io_context|thread_pool|socket_ops|posix_thread|reactive_) """, re.VERBOSE)

# (folder, symbol): why it is fine there.
CLI11 = "CLI11 could take values from files and variables and check paths; lib/cli asks it for none of that"
IFSTREAM = "std::basic_ifstream<char, std::char_traits<char> >"
STRING = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >"
EXCEPTIONS = {
    ("cli", "getenv"): CLI11,
    ("cli", "stat"): CLI11,
    ("cli", f"{IFSTREAM}::basic_ifstream({STRING} const&, std::_Ios_Openmode)"): CLI11,
    ("cli", f"{IFSTREAM}::~basic_ifstream()"): CLI11,
}


def undefined_symbols(archive):
    """Names that no object of the archive defines, demangled and without arguments and versions."""
    def names(*flags):
        listed = subprocess.run(["nm", "-C", *flags, archive], check=True, capture_output=True, text=True).stdout
        for line in listed.splitlines():
            match = re.match(r"^[0-9a-f ]*([A-Za-z]) (.*)$", line.strip())
            if match:
                yield match.group(2)

    return set(names("--undefined-only")) - set(names("--defined-only"))


def is_forbidden(name):
    plain = name.split("@")[0]
    return plain in C_FUNCTIONS or CXX_NAMES.match(plain) is not None


def main():
    archives, folder = read_archives(sys.argv[1]), sys.argv[2]
    found = {name for name in undefined_symbols(archives[folder].path) if is_forbidden(name)}
    if folder == "posix":
        # The only door; and the proof that this test sees what it looks for.
        missed = {"open", "fdatasync", "getrandom", "socket", "std::chrono::_V2::steady_clock::now()"} - found
        print("\n".join(f"lib/posix does not seem to use {name}" for name in sorted(missed)))
        return 1 if missed else 0
    allowed = {symbol for where, symbol in EXCEPTIONS if where == folder}
    for name in sorted(found - allowed):
        print(f"lib/{folder} uses {name}; only lib/posix may. Go through a seam of lib/env.")
    for name in sorted(allowed - found):
        print(f"lib/{folder} no longer uses {name}; remove its exception.")
    return 1 if found != allowed else 0


sys.exit(main())
