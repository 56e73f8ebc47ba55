import type { RtRequest } from 'netns-napi'
import type { Kernel } from './kernel.js'
import { outerDevice } from './node-network.js'
import type { Random } from './random.js'
import { mainTable, type WaysKernel, weirs } from './ways-kernel.js'
import { blocks } from './ways-plan.js'

/** Changes what leads to other nodes as no agent would, under an agent's mark. @returns what it did */
export function meddleWays(ways: WaysKernel, kernel: Kernel, random: Random): string {
  const routes = ways.routes.filter(({ protocol }) => protocol === weirs)
  const rules = ways.rules.filter(({ protocol }) => protocol === weirs)
  const marked = { protocol: weirs }
  const does = (request: RtRequest): string => {
    ways.request(request)
    return JSON.stringify(request)
  }
  switch (random.below(9)) {
    case 0: {
      if (routes.length === 0) return 'nothing'
      const { destination, table, ifindex } = random.pick(routes)
      return does({ kind: 'route.delete', destination, table, ifindex, ...marked })
    }
    case 1: {
      if (routes.length === 0) return 'nothing'
      const { destination, table } = random.pick(routes)
      const elsewhere = { ifindex: outerDevice.ifindex, ...(destination.length === 24 && { gateway: '192.168.0.200' }) }
      return does({ kind: 'route.replace', destination, table, ...elsewhere, ...marked })
    }
    case 2: {
      const destination = { address: '10.0.3.0', length: 25 }
      return does({ kind: 'route.replace', destination, table: mainTable, ifindex: outerDevice.ifindex, ...marked })
    }
    case 3: {
      if (rules.length === 0) return 'nothing'
      const { source, table, priority } = random.pick(rules)
      return does({ kind: 'rule.delete', source, table, priority, ...marked })
    }
    case 4: {
      const rule = { source: { address: '10.55.0.0', length: 16 }, table: weirs, priority: weirs, ...marked }
      if (rules.some(({ source }) => source.address === rule.source.address)) return 'nothing'
      return does({ kind: 'rule.add', ...rule })
    }
    case 5: {
      const [link] = ways.links
      if (link === undefined) return 'nothing'
      if (random.chance(0.5)) return does({ kind: 'link.delete', name: link.name })
      return does({ kind: 'link.set', ifindex: link.ifindex, up: false })
    }
    case 6:
    case 7: {
      const block = random.pick(blocks)
      // Another program's routes come and go by themselves.
      const isThere = !ways.taken.has(block)
      if (!ways.strangers(block, isThere)) return 'nothing'
      return `somebody else ${isThere ? 'made' : 'took away'} a route to ${block}`
    }
    default: {
      const map = kernel.backend.maps.weir_tunnels4
      const keys = [...map.entries()].map(([key]) => key.slice())
      if (keys.length === 0) return 'nothing'
      map.delete(random.pick(keys))
      return 'deleted from weir_tunnels4'
    }
  }
}
