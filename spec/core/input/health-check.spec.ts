import { parseService, type HealthCheck } from '@weir/core'
import { problemsOf } from '@weir/core/input/problem.js'
import { expect } from 'chai'

const service = (annotations: Readonly<Record<string, string>>) =>
  parseService({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', annotations },
    spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }] },
  })
const checkOf = (annotations: Readonly<Record<string, string>>): HealthCheck | undefined => {
  const parsed = service(annotations)
  return parsed._tag === 'Right' ? parsed.right.healthCheck : undefined
}
const usual = { intervalSeconds: 10, timeoutSeconds: 2, failures: 3, successes: 2 }

describe('a health check by annotations', () => {
  it('is a connection, or a request for a path', () => {
    expect(checkOf({ 'weir.io/health-check': 'tcp' })).deep.equals({ kind: 'tcp', ...usual })
    expect(checkOf({ 'weir.io/health-check': 'http' })).deep.equals({ kind: 'http', path: '/', ...usual })
    const path = '/healthz?full=1'
    expect(checkOf({ 'weir.io/health-check': `http:${path}` })).deep.equals({ kind: 'http', path, ...usual })
    expect(checkOf({})).equals(undefined)
  })
  it('has numbers of its own', () => {
    const check = checkOf({
      'weir.io/health-check': 'tcp',
      'weir.io/health-check-interval': '1',
      'weir.io/health-check-timeout': '5',
      'weir.io/health-check-failures': '7',
      'weir.io/health-check-successes': '1',
    })
    expect(check).deep.equals({ kind: 'tcp', intervalSeconds: 1, timeoutSeconds: 5, failures: 7, successes: 1 })
  })
  const key = 'weir.io/health-check'
  const wrong: readonly Readonly<Record<string, string>>[] = [
    { [key]: 'udp' },
    { [key]: 'tcp:/x' },
    { [key]: 'http:healthz' },
    { [key]: 'http:/a b' },
    { [key]: '' },
    { [key]: 'tcp', [`${key}-interval`]: '0' },
    { [key]: 'tcp', [`${key}-interval`]: '1.5' },
    { [key]: 'tcp', [`${key}-timeout`]: '61' },
    { [`${key}-failures`]: '3' },
  ]
  for (const annotations of wrong)
    it(`is refused: ${JSON.stringify(annotations)}`, () => {
      const [problem] = problemsOf(service(annotations))
      expect(problem?.path).match(/^metadata\.annotations\[weir\.io\/health-check(?:-\w+)?\]$/)
      expect(problem?.expected).not.empty
    })
})
