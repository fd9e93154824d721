/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Purpose: the processes of a world: bus, fake host, daemon.
 * Thread: main. Ownership: see the header.
 */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "sys/root.h"

#define PATIENCE (30 * G_TIME_SPAN_SECOND)
#define STEP 2000 /* microseconds */

guint pca_world_grace = PCA_WORLD_GRACE;

static const char bus_config[] =
    "<busconfig><type>system</type><listen>%s</listen><auth>EXTERNAL</auth>"
    "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>"
    "<allow send_destination=\"*\" eavesdrop=\"false\"/><allow receive_sender=\"*\"/></policy>"
    "<limit name=\"max_replies_per_connection\">50000</limit>"
    "</busconfig>";

static const char *source_directory(void) {
    const char *directory = g_getenv("SRCDIR");
    return directory ? directory : ".";
}

static char *built(const char *name) {
    const char *directory = g_getenv("BUILDDIR");
    return g_build_filename(directory ? directory : ".", name, NULL);
}

static char *work_file(const PcaWorld *world, const char *name) {
    return g_build_filename(world->work, name, NULL);
}

/* The child dies with this process, so that a test that fails leaves nothing behind. */
static pid_t spawn(const PcaWorld *world, char **argv, char **env, const char *log, int out,
                   int death) {
    g_autofree char *path = work_file(world, log);
    PCA_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ck_assert_msg(fd >= 0, "%s: %s", path, g_strerror(errno));
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, death);
    dup2(out < 0 ? fd : out, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execvpe(argv[0], argv, env);
    _exit(127);
}

static char **environment(const PcaWorld *world) {
    char **env = g_environ_setenv(g_get_environ(), "DBUS_SYSTEM_BUS_ADDRESS", world->address, TRUE);
    env = g_environ_setenv(env, "G_MESSAGES_DEBUG", "pcassign", TRUE);
    return g_environ_setenv(env, "G_DEBUG", "fatal-criticals", TRUE);
}

/* The socket is there a moment before somebody listens at it. */
static gboolean is_listening(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    PCA_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static void start_bus(PcaWorld *world) {
    g_autofree char *path = work_file(world, "bus");
    g_autofree char *config = work_file(world, "bus.conf");
    g_autofree char *option = g_strdup_printf("--config-file=%s", config);
    world->address = g_strdup_printf("unix:path=%s", path);
    g_autofree char *text = g_strdup(bus_config);
    g_auto(GStrv) parts = g_strsplit(text, "%s", 2);
    g_autofree char *filled = g_strconcat(parts[0], world->address, parts[1], NULL);
    ck_assert(g_file_set_contents(config, filled, -1, NULL));
    char *argv[] = {(char *)"dbus-daemon", option, (char *)"--nofork", (char *)"--nopidfile", NULL};
    g_auto(GStrv) env = environment(world);
    world->bus = spawn(world, argv, env, "bus.log", -1, SIGKILL);
    for (gint64 waited = 0; !is_listening(path); waited += STEP) {
        ck_assert_msg(waited < PATIENCE, "dbus-daemon does not start; is it installed?");
        g_usleep(STEP);
    }
}

static void start_host(PcaWorld *world) {
    int pipes[2];
    char line[512] = "";
    g_autofree char *program = built("tests/support/fake-worker");
    g_autofree char *machine =
        g_build_filename(source_directory(), "tests/support/fake-host.machine", NULL);
    ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
    char *argv[] = {program, machine, NULL};
    g_auto(GStrv) env = environment(world);
    world->worker = spawn(world, argv, env, "worker.log", pipes[1], SIGTERM);
    close(pipes[1]);
    FILE *out = fdopen(pipes[0], "r");
    ck_assert_msg(fgets(line, sizeof line, out) != NULL, "%s does not start", program);
    fclose(out);
    world->tree = g_strdup(g_strchomp(line));
}

static void write_policy(const PcaWorld *world) {
    g_autofree char *from =
        g_build_filename(source_directory(), "tests/support/fake-host.policy", NULL);
    g_autofree char *directory = g_build_filename(world->tree, "policy.d", NULL);
    g_autofree char *to = g_build_filename(directory, "50-test.conf", NULL);
    g_autofree char *text = NULL;
    ck_assert_msg(g_file_get_contents(from, &text, NULL, NULL), "%s", from);
    ck_assert_int_eq(g_mkdir(directory, 0755), 0);
    ck_assert(g_file_set_contents_full(to, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
}

static void open_notify(PcaWorld *world) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_autofree char *path = work_file(world, "notify");
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    world->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(world->notify, (struct sockaddr *)&address, sizeof address), 0);
}

PcaWorld *pca_world_new(void) {
    PcaWorld *world = g_new0(PcaWorld, 1);
    g_autofree char *template = g_build_filename(g_get_tmp_dir(), "pca-bus-XXXXXX", NULL);
    ck_assert_ptr_nonnull(g_mkdtemp_full(template, 0755));
    world->work = g_steal_pointer(&template);
    open_notify(world);
    start_bus(world);
    start_host(world);
    write_policy(world);
    pca_world_start_daemon(world);
    return world;
}

static void await_ready(const PcaWorld *world) {
    char text[256] = "";
    do {
        struct pollfd poller = {world->notify, POLLIN, 0};
        ck_assert_msg(poll(&poller, 1, PATIENCE / 1000) == 1, "pcassignd does not get ready");
        ssize_t n = recv(world->notify, text, sizeof text - 1, 0);
        text[MAX(n, 0)] = '\0';
    } while (!strstr(text, "READY=1"));
}

void pca_world_start_daemon(PcaWorld *world) {
    const char *given = g_getenv("PCASSIGND");
    g_autofree char *program = given ? g_strdup(given) : built("pcassignd");
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    static const char *const places[] = {"sysfs=%s/sys",
                                         "proc=%s/proc",
                                         "dev=%s/dev",
                                         "state-directory=%s/run",
                                         "worker-socket=%s/worker",
                                         "policy-directory=%s/policy.d",
                                         "policy-directory=%s/vendor.d"};
    g_ptr_array_add(argv, g_strdup(program));
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        g_auto(GStrv) parts = g_strsplit(places[i], "%s", 2);
        g_ptr_array_add(argv, g_strconcat("--", parts[0], world->tree, parts[1], NULL));
    }
    guint grace = world->grace_ms ? world->grace_ms : pca_world_grace;
    g_ptr_array_add(argv, g_strdup_printf("--unbind-grace=%u", grace));
    g_ptr_array_add(argv, g_strdup_printf("--release-grace=%u",
                                          world->owner_ms ? world->owner_ms : PCA_WORLD_OWNER));
    g_ptr_array_add(argv, NULL);
    g_autofree char *notify = work_file(world, "notify");
    g_auto(GStrv) env = g_environ_setenv(environment(world), "NOTIFY_SOCKET", notify, TRUE);
    world->daemon = spawn(world, (char **)argv->pdata, env, "daemon.log", -1, SIGKILL);
    await_ready(world);
}

/* -1 when it does not end. */
static int await_end(pid_t pid) {
    int status = 0;
    for (gint64 waited = 0; waited < PATIENCE; waited += STEP) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        g_usleep(STEP);
    }
    return -1;
}

static void check_log(const PcaWorld *world, const char *name) {
    static const char *const bad[] = {"Sanitizer", "runtime error", "CRITICAL"};
    g_autofree char *path = work_file(world, name);
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert_msg(!strstr(text, bad[i]), "%s: %s", path, text);
}

void pca_world_end_daemon(PcaWorld *world, int signal) {
    kill(world->daemon, signal);
    int status = await_end(world->daemon);
    check_log(world, "daemon.log");
    if (signal != SIGKILL)
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      "pcassignd ended with status %#x; see %s", (unsigned)status, world->work);
    world->daemon = 0;
}

static void remove_work(const PcaWorld *world) {
    g_auto(GStrv) names = pca_read_directory(world->work);
    for (char **name = names; *name; name++) {
        g_autofree char *path = work_file(world, *name);
        g_unlink(path);
    }
    g_rmdir(world->work);
}

void pca_world_free(PcaWorld *world) {
    if (world->daemon)
        pca_world_end_daemon(world, SIGTERM);
    kill(world->worker, SIGTERM);
    ck_assert_int_eq(await_end(world->worker), 0);
    check_log(world, "worker.log");
    kill(world->bus, SIGKILL);
    await_end(world->bus);
    pca_fd_close(&world->notify);
    remove_work(world);
    g_free(world->work);
    g_free(world->tree);
    g_free(world->address);
    g_free(world);
}

void pca_world_tell(const PcaWorld *world, const char *format, ...) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char reply[512] = "";
    va_list args;
    va_start(args, format);
    g_autofree char *line = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *path = g_build_filename(world->tree, "control", NULL);
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    PCA_AUTO_FD fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_gt(send(fd, line, strlen(line), MSG_NOSIGNAL), 0);
    ck_assert_int_gt(recv(fd, reply, sizeof reply - 1, 0), 0);
    ck_assert_msg(g_str_equal(reply, "ok"), "%s: %s", line, reply);
}

/* ---- What is to be seen of it ---- */

char *pca_world_driver(const PcaWorld *world, const char *address) {
    g_autofree char *directory =
        g_build_filename(world->tree, "sys/bus/pci/devices", address, NULL);
    return pca_read_link_name(directory, "driver");
}

char *pca_world_log(const PcaWorld *world) {
    g_autofree char *path = g_build_filename(world->tree, "fake/log", NULL);
    g_autofree char *text = NULL;
    GString *changes = g_string_new(NULL);
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        if (g_str_has_prefix(*line, "write") || g_str_has_prefix(*line, "config") ||
            g_str_has_prefix(*line, "hot_reset"))
            g_string_append_printf(changes, "%s\n", *line);
    return g_string_free(changes, FALSE);
}

static gboolean has_driver(const PcaWorld *world, const char *address, const char *driver) {
    g_autofree char *now = pca_world_driver(world, address);
    return g_strcmp0(now, driver) == 0;
}

static gboolean has_claims(const PcaWorld *world) {
    g_autofree char *directory = g_build_filename(world->tree, "run/claims", NULL);
    g_auto(GStrv) names = pca_read_directory(directory);
    return *names != NULL;
}

void pca_world_await_paused(const PcaWorld *world) {
    gint64 end = g_get_monotonic_time() + PATIENCE;
    g_autofree char *path = g_build_filename(world->tree, "fake/stage/paused", NULL);
    while (access(path, F_OK) < 0 && g_get_monotonic_time() < end)
        g_usleep(STEP);
    ck_assert_msg(access(path, F_OK) == 0, "no worker has come to where it should wait");
}

void pca_world_await_driver(const PcaWorld *world, const char *address, const char *driver) {
    gint64 end = g_get_monotonic_time() + PATIENCE;
    while (!has_driver(world, address, driver) && g_get_monotonic_time() < end)
        g_usleep(STEP);
    g_autofree char *now = pca_world_driver(world, address);
    g_autofree char *log = work_file(world, "daemon.log");
    ck_assert_msg(g_strcmp0(now, driver) == 0, "%s has driver %s, not %s; see %s", address, now,
                  driver, log);
}

void pca_world_await_no_claim(const PcaWorld *world) {
    gint64 end = g_get_monotonic_time() + PATIENCE;
    while (has_claims(world) && g_get_monotonic_time() < end)
        g_usleep(STEP);
    ck_assert_msg(!has_claims(world), "a claim stays in %s/run/claims", world->tree);
}

void pca_await_all_back(const PcaWorld *world) {
    pca_world_await_no_claim(world);
    pca_world_await_driver(world, NIC, "e1000e");
    pca_world_await_driver(world, NIC_2, "e1000e");
    pca_world_await_driver(world, "0000:03:00.0", "nouveau");
    pca_world_await_driver(world, "0000:03:00.1", "snd_hda_intel");
    pca_world_await_driver(world, "0000:07:00.0", "vfio-pci");
}

guint pca_world_count_fds(const PcaWorld *world) {
    g_autofree char *path = g_strdup_printf("/proc/%d/fd", (int)world->daemon);
    g_auto(GStrv) names = pca_read_directory(path);
    return g_strv_length(names);
}

gboolean pca_world_await_fds(const PcaWorld *world, guint wanted) {
    gint64 end = g_get_monotonic_time() + PATIENCE;
    while (pca_world_count_fds(world) > wanted && g_get_monotonic_time() < end)
        g_usleep(STEP);
    return pca_world_count_fds(world) <= wanted;
}
