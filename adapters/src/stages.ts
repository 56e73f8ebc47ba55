import { channel } from 'node:diagnostics_channel'

/** How far a change of an input has come. */
export type Stage = 'noticed' | 'read' | 'told apart' | 'durable' | 'folded' | 'enforced'

/** The diagnostics channel on which stages are told, as strings, the moment they are reached. */
export const stageChannel = 'weir:stage'

const stages = channel(stageChannel)

/** Costs nothing while nobody listens, which is always but when somebody measures. */
export function reached(stage: Stage): void {
  if (stages.hasSubscribers) stages.publish(stage)
}
