/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* All programs in one object, so that they share its maps. */
#include "from_device.h"
#include "from_endpoint.h"
#include "sweep.h"
#include "to_device.h"
#include "to_endpoint.h"

SEC("tc")
int weir_from_endpoint(struct weir_skb *skb)
{
	return weir_from_endpoint_run(skb);
}

SEC("tc")
int weir_to_endpoint(struct weir_skb *skb)
{
	return weir_to_endpoint_run(skb);
}

SEC("tc")
int weir_from_device(struct weir_skb *skb)
{
	return weir_from_device_run(skb);
}

SEC("tc")
int weir_to_device(struct weir_skb *skb)
{
	return weir_to_device_run(skb);
}

SEC("syscall")
int weir_sweep(struct weir_sweep *result)
{
	return weir_sweep_run(result);
}

#ifdef __bpf__
char weir_license[] SEC("license") = "Dual BSD/GPL";
#endif
