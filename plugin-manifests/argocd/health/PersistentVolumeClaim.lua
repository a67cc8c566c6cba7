-- In argocd-cm: resource.customizations.health.PersistentVolumeClaim
--
-- The claim of a stopped machine may stay unbound until its first start; whether that holds a machine up, the health of
-- the machine says. All other claims are judged as Argo CD does by itself.
local status = obj.status or {}
local phase = status.phase
if phase == "Bound" then
  return { status = "Healthy", message = "Bound" }
end
if phase == "Lost" then
  return { status = "Degraded", message = "its volume is lost" }
end
local labels = obj.metadata.labels or {}
if phase == "Pending" and labels["vm.novasphere.dev/wukong"] ~= nil then
  return { status = "Healthy", message = "will be bound when its machine starts" }
end
return { status = "Progressing", message = phase or "Pending" }
