import { setFlagsFromString } from 'node:v8'

/**
 * Has V8 compile each function, plainly, when it is first called, instead of interpreting it until it has run often: the
 * way from an input to the kernel is gone now and then, and never gets warm. For a process that is an agent and nothing
 * else, before the agent is made.
 */
export function compileAtOnce(): void {
  setFlagsFromString('--always-sparkplug')
}
