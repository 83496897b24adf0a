import KubeAPI
import Manifests

/// The outcome of a deletion of several objects.
struct Deletion: Sendable {
  /// The objects that the API server is deleting.
  private(set) var gone: [ObjectID] = []
  /// The objects that it did not delete, with its reasons.
  private(set) var refusals: [DeployError] = []

  /// Notes the API server's answer for one object; no error means that it deletes the object.
  /// - Returns: false if the object is still ours, and is not being deleted.
  mutating func note(_ object: ObjectID, _ error: KubeError?) -> Bool {
    if let error {
      // It is gone, or another object has its name, which then is not ours.
      if error.isNotFound || error.isConflict { return true }
      refusals.append(DeployError(error, doing: "deleting it", object: object))
      return false
    }
    gone.append(object)
    return true
  }

  /// Checks whether objects of a phase may be deleted now. A namespace or a definition takes everything in it along,
  /// also an object that the API server has just refused to delete.
  func allows(_ phase: ApplyPhase) -> Bool { refusals.isEmpty || phase >= .supports }

  /// Returns the objects that are being deleted.
  /// - Throws: the first refusal, with the others in `others` and the objects in `deleted`.
  func get() throws(DeployError) -> [ObjectID] {
    guard var first = refusals.first else { return gone }
    first.others = Array(refusals.dropFirst())
    first.deleted = gone
    throw first
  }
}
