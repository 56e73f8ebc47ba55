import { right } from 'fp-ts/lib/Either.js'
import type { ServicePort } from '../event/service.js'
import { dnsLabel } from './names.js'
import { fieldPath, itemPath } from './path.js'
import { nodePort, optionalNumber, portNumber, portOrName, portProtocol } from './port.js'
import { missing, type Parsed, refuse } from './problem.js'
import { andThen, listOf, optionalText, type Reader, record } from './reader.js'

const port: Reader<ServicePort> = andThen(
  record(
    {
      name: optionalText(dnsLabel, ''),
      protocol: optionalText(portProtocol, 'TCP' as const),
      port: portNumber,
      targetPort: optionalText(portOrName, undefined),
      nodePort: optionalNumber(nodePort),
    },
    ['appProtocol'],
  ),
  ({ targetPort, nodePort, ...rest }): Parsed<ServicePort> =>
    right({ ...rest, targetPort: targetPort ?? rest.port, ...(nodePort === undefined ? {} : { nodePort }) }),
)

/**
 * The ports of a Service. Names are needed once there are two, and tell them apart; so do protocol and number together,
 * on the service's addresses and on the nodes.
 */
export const servicePorts: Reader<readonly ServicePort[]> = andThen(listOf(port), (list, path) => {
  const taken = new Set<string>()
  for (const [index, { name, protocol, port, nodePort }] of list.entries()) {
    const at = itemPath(path, index)
    if (name === '' && list.length > 1)
      return missing(fieldPath(at, 'name'), 'a name, as the service has several ports')
    if (taken.has(name)) return refuse(fieldPath(at, 'name'), 'another port has this name', name, 'another name')
    const number = `${protocol} ${port}`
    if (taken.has(number)) return refuse(fieldPath(at, 'port'), `another port is ${number} too`, port, 'another port')
    const onNode = `${protocol} node ${nodePort}`
    if (nodePort !== undefined && taken.has(onNode))
      return refuse(fieldPath(at, 'nodePort'), 'another port has this node port', nodePort, 'another node port')
    taken.add(name).add(number).add(onNode)
  }
  return right(list)
})
