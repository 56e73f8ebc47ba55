import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 run a process as one that is an agent and nothing else, before the agent is made.
 *
 * Each function is compiled, plainly, when it is first called, instead of interpreted until it has run often: the way from
 * an input to the kernel is gone now and then, and never gets warm. And the heap may grow by half of what is alive before it
 * is collected, where V8 would have it grow fourfold: the node's memory is others', and what is collected sooner is collected
 * in less time.
 */
export function runAsAgent(): void {
  setFlagsFromString('--always-sparkplug')
  setFlagsFromString('--heap-growing-percent=50')
}
