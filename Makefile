# SPDX-License-Identifier: GPL-2.0-or-later
# make help tells the targets. Everything that is built goes below $(BUILD).

# Another ARCH than this machine's is cross-compiled, with the libraries below SYSROOT.
NATIVE   := $(shell uname -m)
ARCH     ?= $(NATIVE)
# one name is uname(1)'s, the other Debian's
MACHINE  := $(patsubst x86,x86_64,$(patsubst amd64,x86_64,$(patsubst arm64,aarch64,$(ARCH))))
DEBIAN_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,amd64,$(MACHINE)))
ifneq ($(MACHINE),$(NATIVE))
TRIPLET  := $(MACHINE)-linux-gnu
BUILD    ?= build/$(DEBIAN_ARCH)
SYSROOT  ?= $(CURDIR)/.cache/$(DEBIAN_ARCH)/sysroot
CC       := $(TRIPLET)-gcc --sysroot=$(SYSROOT)
PKG_CONFIG := PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
	PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(TRIPLET)/pkgconfig pkg-config
endif

BUILD    ?= build
CC       ?= gcc
CLANG    ?= clang
STRIP    ?= llvm-strip
NM       := llvm-nm
BPFTOOL  ?= $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool || echo bpftool)
PKG_CONFIG ?= pkg-config

PREFIX   ?= /usr/local
SHARE    ?= $(PREFIX)/share
DESTDIR  ?=

# Switches: V=1 shows commands; WERROR=1; SANITIZE=1 (address and undefined
# behaviour); COVERAGE=1; WITHOUT_SYSTEMD=1 (no sd_notify, and no libsystemd).
Q        := $(if $(V),,@)
CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wformat=2 -Wpointer-arith -Wundef -Wvla $(if $(WERROR),-Werror)
INSTRUMENT := $(if $(SANITIZE),-fsanitize=address -fsanitize=undefined \
              -fno-sanitize-recover=undefined -fno-omit-frame-pointer) \
              $(if $(COVERAGE),--coverage) $(if $(SANITIZE)$(COVERAGE),-DNEIGHTRACK_INSTRUMENTED)

PACKAGES := libbpf hiredis libmnl inih json-c libcap-ng libseccomp libmicrohttpd gnutls ncursesw \
            $(if $(WITHOUT_SYSTEMD),,libsystemd)
# loaded by http_library.c when metrics are served
LOADED   := libmicrohttpd gnutls
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE $(if $(WITHOUT_SYSTEMD),-DWITHOUT_SYSTEMD) \
              -Iinclude -Iuser -isystem $(BUILD) $(WARNINGS) \
              $(INSTRUMENT) $(CFLAGS) $(CPPFLAGS)
# as needed: the tool does without some of them
LDLIBS   := -Wl,--as-needed \
            $(shell $(PKG_CONFIG) --libs $(filter-out $(LOADED),$(PACKAGES)) 2>/dev/null)

BPF_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(MACHINE)))
# BTF names the source files: below this folder, whichever it is
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -ffile-prefix-map=$(CURDIR)=. \
              -D__TARGET_ARCH_$(BPF_ARCH) -Ivmlinux -Iinclude \
              -Wall -Wextra -Wno-unused-parameter $(if $(WERROR),-Werror)

# The programs' main files; every other file in user/ is a module that both may use.
MAINS    := neightrackd neightrack
SOURCES  := $(filter-out $(MAINS:%=user/%.c),$(wildcard user/*.c))
OBJECTS  := $(SOURCES:user/%.c=$(BUILD)/%.o)
MANUALS  := $(BUILD)/man/neightrackd.conf.5 $(wildcard docs/man/*.8)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))

.PHONY: all help static setup run demo check memcheck soak benchmarks tests fuzzers fuzz install \
	package check-package pictures check-kernels check-arm64 clean
.DELETE_ON_ERROR:
.SECONDARY:

# not below sanitizers, which take malloc() themselves
all: $(BUILD)/neightrackd $(BUILD)/neightrack $(MANUALS) $(if $(SANITIZE),,$(BUILD)/allocation_counter.so)

help:
	@echo 'make               build neightrackd and neightrack below $(BUILD)/'
	@echo 'make static        the same as files that need no library, below $(BUILD)/static/'
	@echo 'sudo make run      install what is missing, build, and mirror this machine'"'"'s neighbours'
	@echo '                   (REDIS=unix:///path or tcp://host:port/db uses that Redis)'
	@echo 'sudo make demo     the same in two network namespaces, for 20 seconds'
	@echo 'sudo make check    build and run every test (REQUIRE_ALL=1: none may be skipped)'
	@echo 'sudo make memcheck some of the tests under valgrind'
	@echo 'make check-kernels boot Debian kernels (or KERNEL=vmlinuz), and test each source there'
	@echo 'make check-arm64   cross-compile for ARCH=arm64, and run the unit tests'
	@echo 'make fuzz          run each fuzzer for FUZZ_SECONDS (default 60)'
	@echo 'sudo make soak     storms of changes and faults for MINUTES=10, repeatable by SEED='
	@echo 'sudo make benchmarks  measure all, and write docs/BENCHMARKS.md (QUICK=1: a short trial)'
	@echo 'make install       below $$(DESTDIR)$$(PREFIX) (PREFIX=$(PREFIX))'
	@echo 'make package       a Debian package below $(BUILD)/package/'
	@echo 'sudo make check-package  build it, and install, upgrade and purge it in a small Debian'
	@echo 'make pictures      draw docs/*.svg anew (needs graphviz)'
	@echo 'make clean         remove $(BUILD)/'
	@echo 'Switches: V=1 WERROR=1 SANITIZE=1 COVERAGE=1 WITHOUT_SYSTEMD=1 CC=clang BUILD=dir'
	@echo '          ARCH=arm64'

# --- the kernel side -----------------------------------------------------------

$(BUILD)/%.bpf.o: bpf/%.bpf.c | $(BUILD)/
	@echo '  BPF     $@'
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@
	$(Q)$(STRIP) -g $@

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	@echo '  SKEL    $@'
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

SKELETONS := $(BUILD)/neightrack.skel.h $(BUILD)/neightrack_raw.skel.h

# --- the user side -------------------------------------------------------------

$(BUILD)/%.o: user/%.c | $(BUILD)/
	@echo '  CC      $@'
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# -MMD leaves out what -isystem finds
$(BUILD)/programs.o: $(SKELETONS)

$(BUILD)/libneightrack.a: $(OBJECTS)
	@echo '  AR      $@'
	$(Q)rm -f $@ && ar rcs $@ $^

$(MAINS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libneightrack.a
	@echo '  LINK    $@'
	$(Q)$(CC) $(INSTRUMENT) $(LDFLAGS) $^ $(LDLIBS) -o $@

# What neightrack bench counts allocations with; it is not installed.
$(BUILD)/%.so: user/preload/%.c | $(BUILD)/
	@echo '  LIB     $@'
	$(Q)$(CC) $(filter-out --coverage,$(ALL_CFLAGS)) -fPIC -shared -MMD -MP $< -o $@

$(BUILD)/ $(BUILD)/tests/unit/ $(BUILD)/man/:
	@mkdir -p $@

# What each option does stands in the example alone.
$(BUILD)/man/%.5: docs/man/%.5.in docs/man/options.awk docs/neightrackd.conf.example | $(BUILD)/man/
	@echo '  MAN     $@'
	$(Q)awk -f docs/man/options.awk docs/neightrackd.conf.example >$@.options
	$(Q)sed -e '/@OPTIONS@/{r $@.options' -e 'd;}' $< >$@
	$(Q)rm $@.options

# --- one file that needs nothing else ---------------------------------------------

# Debian has no static libmnl, GnuTLS and libsystemd: user/static has what stands in their
# place. -Bstatic, as the linker would else take a shared library, to crash with.
STATIC_OBJECTS := $(patsubst user/static/%.c,$(BUILD)/static/%.o,$(wildcard user/static/*.c))
STATIC_LIBS = $(shell $(PKG_CONFIG) --static --libs $(filter-out libmnl $(LOADED) libsystemd, \
	$(PACKAGES))) -lmicrohttpd
# all that is not there of GnuTLS is the function that refuses
WITHOUT_TLS = $(shell $(NM) -u $$($(CC) -print-file-name=libmicrohttpd.a) \
	$(BUILD)/static/http_library.o 2>/dev/null | \
	sed -n 's/.* \(gnutls_.*\)/-Wl,--defsym=\1=no_tls/p' | sort -u)

static: $(if $(SANITIZE),,$(MAINS:%=$(BUILD)/static/%))
	$(if $(SANITIZE),$(error SANITIZE needs shared libraries: make static without it))

$(BUILD)/static/:
	@mkdir -p $@

$(BUILD)/static/%.o: user/static/%.c | $(BUILD)/static/
	@echo '  CC      $@'
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# The linker warns of names that need glibc's modules at run time: not with names.c.
$(MAINS:%=$(BUILD)/static/%): $(BUILD)/static/%: $(BUILD)/%.o $(STATIC_OBJECTS) \
		$(BUILD)/libneightrack.a
	@echo '  STATIC  $@'
	$(Q)$(CC) -static-pie $(INSTRUMENT) $(LDFLAGS) -Wl,-Bstatic -Wl,--no-warnings $(WITHOUT_TLS) \
		$^ $(STATIC_LIBS) -o $@

# --- tests ---------------------------------------------------------------------

$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libneightrack.a | $(BUILD)/tests/unit/
	@echo '  TEST    $@'
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $(LDFLAGS) $< $(BUILD)/libneightrack.a $(LDLIBS) \
		$(shell $(PKG_CONFIG) --libs cmocka) -o $@

# the same tests of what stands in for libmnl in the portable binary
$(BUILD)/tests/unit/%_static: tests/unit/%.c $(BUILD)/static/libmnl.o $(BUILD)/libneightrack.a | \
		$(BUILD)/tests/unit/
	@echo '  TEST    $@'
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(filter-out %/,$^) $(filter-out -lmnl,$(LDLIBS)) \
		$(shell $(PKG_CONFIG) --libs cmocka) -o $@

tests: all $(UNIT_TESTS) $(BUILD)/tests/unit/test_neigh_message_static

check:
	$(Q)[ "$$(id -u)" != 0 ] || scripts/setup test
	$(Q)$(MAKE) --no-print-directory tests $(if $(SANITIZE),,fuzzers static)
	$(Q)BUILD=$(BUILD) scripts/check

# --- other kernels and another architecture --------------------------------------

$(BUILD)/static/verified: tests/kernels/guest/verified.c | $(BUILD)/static/
	@echo '  STATIC  $@'
	$(Q)$(CC) $(ALL_CFLAGS) -static-pie $< $(shell $(PKG_CONFIG) --static --libs libbpf) -o $@

check-kernels:
	$(Q)[ "$$(id -u)" != 0 ] || scripts/setup kernels
	$(if $(SYSROOT),$(Q)tests/kernels/sysroot $(DEBIAN_ARCH) >/dev/null)
	$(Q)$(MAKE) --no-print-directory static $(BUILD)/static/verified
	$(Q)BUILD=$(BUILD) ARCH=$(DEBIAN_ARCH) tests/kernels/run $(KERNEL)

# the unit tests of the other architecture, by emulation of its processor; those of what
# the emulation has not are skipped
check-arm64:
	$(Q)[ "$$(id -u)" != 0 ] || scripts/setup kernels
	$(Q)tests/kernels/sysroot arm64 >/dev/null
	$(Q)$(MAKE) --no-print-directory ARCH=arm64 BUILD=build/arm64 tests static
	$(Q)WRAPPER="qemu-aarch64 -L .cache/arm64/sysroot" BUILD=build/arm64 ONLY=unit \
		REQUIRE_ALL= scripts/check

# --- fuzzers -------------------------------------------------------------------

# By clang, whose libFuzzer they use; their objects are instrumented, and apart.
FUZZ_FLAGS := -g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=undefined
FUZZERS    := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_CFLAGS := $(filter-out -fsanitize=%,$(ALL_CFLAGS)) $(FUZZ_FLAGS)

$(BUILD)/fuzz/:
	@mkdir -p $@

$(BUILD)/fuzz/%.o: user/%.c $(SKELETONS) | $(BUILD)/fuzz/
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c $< -o $@

$(BUILD)/fuzz/libneightrack.a: $(SOURCES:user/%.c=$(BUILD)/fuzz/%.o)
	@echo '  AR      $@'
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/fuzz.h $(BUILD)/fuzz/libneightrack.a
	@echo '  FUZZER  $@'
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined $< \
		$(BUILD)/fuzz/libneightrack.a $(LDLIBS) -o $@

fuzzers: $(FUZZERS)

fuzz: fuzzers
	$(Q)BUILD=$(BUILD) FUZZ_SECONDS=$${FUZZ_SECONDS:-60} scripts/fuzz
# What the compilers' sanitizers cannot see, on the way of a record and back.
MEMCHECK := valgrind -q --error-exitcode=99 --suppressions=$(CURDIR)/tests/valgrind.supp \
            --leak-check=full --errors-for-leak-kinds=definite

memcheck: all
	$(Q)BUILD=$(BUILD) ONLY=integration TIME_SCALE=20 WRAPPER="$(MEMCHECK)" \
		PYTEST_ARGS="-k test_mirror" scripts/check

soak: all
	$(Q)BUILD=$(BUILD) MINUTES=$(MINUTES) SEED=$(SEED) scripts/soak

benchmarks: all
	$(Q)scripts/setup bench
	$(Q)BUILD=$(BUILD) scripts/benchmarks $(if $(QUICK),--quick)

# --- what a person runs ----------------------------------------------------------

setup:
	$(Q)scripts/setup build

run: setup
	$(Q)$(MAKE) --no-print-directory all
	$(Q)BUILD=$(BUILD) scripts/run

demo: setup
	$(Q)$(MAKE) --no-print-directory all
	$(Q)BUILD=$(BUILD) scripts/demo

install: all
	install -D -m 0755 $(BUILD)/neightrackd $(DESTDIR)$(PREFIX)/sbin/neightrackd
	install -D -m 0755 $(BUILD)/neightrack $(DESTDIR)$(PREFIX)/bin/neightrack
	install -D -m 0644 docs/neightrackd.conf.example \
		$(DESTDIR)$(SHARE)/doc/neightrack/neightrackd.conf.example
	for program in $(MAINS); do \
		install -D -m 0644 scripts/completion/neightrack.bash \
			$(DESTDIR)$(SHARE)/bash-completion/completions/$$program || exit 1; \
	done
	install -D -m 0644 scripts/completion/_neightrack \
		$(DESTDIR)$(SHARE)/zsh/site-functions/_neightrack
	for page in $(MANUALS); do \
		install -D -m 0644 $$page \
			$(DESTDIR)$(SHARE)/man/man$${page##*.}/$${page##*/} || exit 1; \
	done
	install -D -m 0755 scripts/systemd/prepare-bpffs \
		$(DESTDIR)$(PREFIX)/lib/neightrack/prepare-bpffs
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/sysusers.d
	sed 's,/usr/\(lib\|sbin\)/ne,$(PREFIX)/\1/ne,' scripts/systemd/neightrackd.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/neightrackd.service
	install -m 0644 scripts/systemd/neightrack.sysusers \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d/neightrack.conf

# Committed, as who reads the documents has no graphviz.
pictures: docs/data-flow.svg

docs/%.svg: docs/%.dot
	@echo '  DOT     $@'
	$(Q)dot -Tsvg $< | sed "2s/^/<!-- of $(<F), sha256 $$(sha256sum <$< | cut -c -64) -->\n/" >$@

package:
	$(Q)[ "$$(id -u)" != 0 ] || scripts/setup package
	$(Q)BUILD=$(BUILD) scripts/package

check-package:
	$(Q)scripts/setup check-package
	$(Q)BUILD=$(BUILD) ONLY=package scripts/check

clean:
	rm -rf $(BUILD)

-include $(wildcard $(BUILD)/*.d $(BUILD)/static/*.d $(BUILD)/tests/unit/*.d $(BUILD)/fuzz/*.d)
