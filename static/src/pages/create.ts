// The dialog that creates a service.
import { mutation, refusalOf, registry } from "../api";
import { showErrors, value } from "../forms";

export function startCreate(): void {
  const form = document.querySelector<HTMLFormElement>('[data-form="create-service"]');
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    void create(form);
  });
}

async function create(form: HTMLFormElement): Promise<void> {
  const namespace = value(form, "namespace");
  const name = value(form, "name");
  try {
    await registry.createService({
      namespace,
      name,
      owner: value(form, "owner"),
      description: value(form, "description"),
      grpcServices: value(form, "grpc_services").split(/\s+/).filter(Boolean),
      mutation: mutation(value(form, "reason")),
    });
    location.assign(`/services/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`);
  } catch (error) {
    showErrors(form, refusalOf(error));
  }
}
