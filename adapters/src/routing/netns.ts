/** The network namespace that is worked in: a file, or this process's own. */
export type Netns = string | undefined

export const netnsPath = (netns: Netns): string => netns ?? '/proc/self/ns/net'
