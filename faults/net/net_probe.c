/* net_probe.c — can this kernel build the lane? Found by building one, on the loopback device of a new namespace. */
#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "faults/mech/lane_relay.h"
#include "faults/net/net_apply.h"

static const char probe_device[] = "chxprobe";

struct attempt {
        struct tc *tc;
        struct lane_classifier *classifier;
        struct lane_relay *relay;
};

static void attempt_done(struct attempt *a) {
        lane_classifier_free(a->classifier);
        lane_relay_free(a->relay);
        tc_free(a->tc);
}

static int try_lane(struct attempt *a, int netns_fd, enum lane_kind kind, enum tc_hook hook, struct err *e) {
        const struct net_lane_wish wish = { .delay = { .delay_ns = 1000000 }, .limit = 1000, .percent_ppm = 1000000 };
        struct net_lane_decision decision = {
                .hook = hook, .config = { .ingress = hook == TC_HOOK_INGRESS, .percent_ppm = 1000000 }
        };
        struct net_steps steps = { .netns_fd = netns_fd, .kind = kind, .decision = &decision, .wish = &wish };
        struct net_made made = { 0 };
        int r;

        (void)memcpy(decision.device, probe_device, sizeof(probe_device));
        r = tc_open(netns_fd, &a->tc, e);
        if (r < 0)
                return r;

        steps.tc = a->tc;
        r = tc_link_find(a->tc, "lo", &steps.origin, e);
        if (r < 0)
                return r;

        decision.config.origin_ifindex = steps.origin.ifindex;
        r = tc_link_start(a->tc, steps.origin.ifindex, 0, 1000, e);
        if (r < 0)
                return r;

        r = net_make_device(&steps, &made, &a->relay, e);
        if (r < 0)
                return r;

        r = tc_clsact_add(a->tc, steps.origin.ifindex, e);
        if (r < 0)
                return r;

        r = net_make_classifier(&steps, &made, a->relay, NULL, &a->classifier, e);
        return r < 0 ? r : net_make_filter(&steps, &made, a->classifier, e);
}

/* What the kernel lacks, by the words with which it refuses. */
static const char *explain(const char *text) {
        static const struct {
                const char *words, *lack;
        } reasons[] = {
                { "add netem", "the kernel lacks sch_netem (CONFIG_NET_SCH_NETEM)" },
                { "IFB device", "the kernel lacks ifb (CONFIG_IFB)" },
                { "/dev/net/tun", "the kernel lacks tun (CONFIG_TUN), or the device is not allowed here" },
                { "TAP device", "the kernel lacks tun (CONFIG_TUN), or CAP_NET_ADMIN is missing" },
                { "add clsact", "the kernel lacks sch_ingress (CONFIG_NET_SCH_INGRESS)" },
                { "add filter", "the kernel lacks cls_bpf or act_mirred (CONFIG_NET_CLS_BPF, CONFIG_NET_ACT_MIRRED)" },
                { "packet classifier", "the kernel refuses the program (CONFIG_BPF_SYSCALL, CAP_BPF)" },
                { "network namespace", "CAP_SYS_ADMIN is missing" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
                if (strstr(text, reasons[i].words))
                        return reasons[i].lack;
        return "unexpected";
}

int net_lane_probe(const char *backend, struct err *e) {
        enum lane_kind kind = strcmp(backend, "netem") == 0 ? LANE_NETEM : LANE_RELAY;
        struct attempt attempt = { 0 };
        SCOPED_FD int netns_fd = -1;
        struct err why = { 0 };
        int r;

        r = netns_scratch(&netns_fd, &why);
        if (r >= 0)
                r = try_lane(&attempt, netns_fd, kind, kind == LANE_RELAY ? TC_HOOK_INGRESS : TC_HOOK_EGRESS, &why);
        attempt_done(&attempt);
        if (r >= 0)
                return 0;

        (void)err_set(e, -EOPNOTSUPP, "%s: %s", why.msg, explain(why.msg));
        if (e)
                memcpy(e->extack, why.extack, sizeof(e->extack));
        return -EOPNOTSUPP;
}
