import { counted, countedAll } from '@weir/core/counted.js'
import type { PastStatus } from '../../agent/past-status.js'
import { provenanceOf } from '../origins.js'
import type { Colour } from '../terminal.js'

/** An agent at a moment, for a person: what was wrong, then what there was. */
export function pastStatusLines(status: PastStatus, colour: Colour, workingFolder: string): readonly string[] {
  const { seq, node, cluster, digest, counts, tables, hostAddresses, leaving, refused, frontendConflicts } = status
  const { steer, translate, noGateway, noAddress, pass } = leaving.rules
  const conflicts = counted(frontendConflicts, 'address was', 'addresses were')
  return [
    ...refused.map(({ object, seq: at, ...from }) =>
      colour.bad(`refused: ${object} (event ${at}, ${provenanceOf(from, workingFolder)})`),
    ),
    ...(frontendConflicts === 0 ? [] : [colour.bad(`${conflicts} claimed more than once`)]),
    `As of      event ${seq}`,
    `Node       ${node === '' ? 'not configured yet' : `${node}, cluster ${cluster}`}`,
    `Host       ${hostAddresses === undefined ? 'it had not looked at itself' : hostAddresses.join(', ') || 'no addresses'}`,
    `Digest     ${digest.hex}`,
    `Objects    ${countedAll(counts)}`,
    `Tables     ${countedAll(tables)}`,
    `Ways out   ${counted(steer + translate + noGateway + noAddress + pass, 'egress gateway rule')}, ` +
      `${counted(leaving.unmasked, 'block')} not masqueraded`,
    ...status.notRecorded.map(each => colour.dim(`not recorded: ${each}`)),
  ]
}
