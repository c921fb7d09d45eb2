/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/rate.h>

/* Allowance is counted in millionths of a report, so that a microsecond is worth per_second. */
#define ONE_REPORT G_USEC_PER_SEC

#define MAX_KEYS 4096

typedef struct Bucket {
        int64_t allowance;
        int64_t filled_usec; /* when the allowance was last reckoned up */
        uint64_t left_out;
        int64_t left_since_usec; /* the first report left out and not told yet */
} Bucket;

struct BwRate {
        unsigned per_second;
        GHashTable *buckets; /* key (owned) -> Bucket (owned) */
};

BwRate *bw_rate_new(unsigned per_second) {
        BwRate *rate = g_new0(BwRate, 1);

        rate->per_second = per_second;
        rate->buckets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        return rate;
}

void bw_rate_free(BwRate *rate) {
        if (!rate)
                return;
        g_hash_table_unref(rate->buckets);
        g_free(rate);
}

static int64_t full(const BwRate *rate) {
        return (int64_t) rate->per_second * ONE_REPORT;
}

/* A clock that went back gives nothing and takes nothing. */
static void refill(const BwRate *rate, Bucket *bucket, int64_t now_usec) {
        int64_t passed = CLAMP(now_usec - bucket->filled_usec, 0, G_USEC_PER_SEC);

        bucket->allowance = MIN(bucket->allowance + passed * rate->per_second, full(rate));
        bucket->filled_usec = now_usec;
}

static Bucket *find_bucket(BwRate *rate, const char *key, int64_t now_usec) {
        Bucket *bucket = g_hash_table_lookup(rate->buckets, key);

        if (bucket)
                return bucket;
        if (g_hash_table_size(rate->buckets) >= MAX_KEYS && !g_str_equal(key, BW_RATE_OTHERS))
                return find_bucket(rate, BW_RATE_OTHERS, now_usec);
        bucket = g_new0(Bucket, 1);
        bucket->allowance = full(rate);
        bucket->filled_usec = now_usec;
        g_hash_table_insert(rate->buckets, g_strdup(key), bucket);
        return bucket;
}

static void leave_out(Bucket *bucket, int64_t now_usec) {
        if (bucket->left_out++ == 0)
                bucket->left_since_usec = now_usec;
}

bool bw_rate_pass(BwRate *rate, const char *key, int64_t now_usec) {
        Bucket *bucket = find_bucket(rate, key, now_usec);

        refill(rate, bucket, now_usec);
        if (bucket->allowance < ONE_REPORT) {
                leave_out(bucket, now_usec);
                return false;
        }
        bucket->allowance -= ONE_REPORT;
        return true;
}

/* A full bucket with nothing owed behaves like one that was never made. */
static bool is_forgettable(const BwRate *rate, Bucket *bucket, int64_t now_usec) {
        refill(rate, bucket, now_usec);
        return bucket->left_out == 0 && bucket->allowance == full(rate);
}

void bw_rate_sum_up(BwRate *rate, int64_t now_usec, int64_t interval_usec, BwRateTold told,
                    gpointer user) {
        GHashTableIter iter;
        gpointer key, value;

        g_hash_table_iter_init(&iter, rate->buckets);
        while (g_hash_table_iter_next(&iter, &key, &value)) {
                Bucket *bucket = value;

                if (bucket->left_out > 0 && now_usec - bucket->left_since_usec >= interval_usec) {
                        told(key, bucket->left_out, user);
                        bucket->left_out = 0;
                }
                if (is_forgettable(rate, bucket, now_usec))
                        g_hash_table_iter_remove(&iter);
        }
}
