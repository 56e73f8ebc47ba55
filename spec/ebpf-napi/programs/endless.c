// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* More paths than the verifier is willing to follow: its log has no end. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int endless(struct __sk_buff *skb)
{
	volatile __u32 sum = 0;

	for (__u32 i = 0; i < 1000000; i++) {
		if (i >= skb->len)
			break;
		sum += i;
	}
	return sum;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
